"""What the environment of the Storage stand-in must say."""

from pathlib import Path

from pydantic import Field

from rte_common.settings import ProcessSettings


class Settings(ProcessSettings):
    """Where the stand-in listens and keeps its files, and the keys it shares with the services."""

    state_dir: Path
    supabase_service_key: str = Field(min_length=1)
    supabase_anon_key: str = Field(min_length=1)
    supabase_jwt_secret: str = Field("devstack-jwt-secret-of-at-least-32-bytes", min_length=32)
    file_size_limit: int = Field(52_428_800, gt=0, description="bytes; what the Free plan allows")
    upload_signed_url_expiration_time: int = Field(7200, gt=0, description="seconds; as hosted")
