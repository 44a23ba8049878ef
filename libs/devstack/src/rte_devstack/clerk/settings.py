"""What the environment of the Clerk stand-in must say."""

from pathlib import Path
from typing import Annotated

from pydantic import AnyHttpUrl, Field, field_validator

from rte_common.settings import CommaList, ProcessSettings, TeamSettings, split_commas
from rte_devstack.clerk.tokens import DEFAULT_ISSUER, DEFAULT_PARTY


class Settings(TeamSettings, ProcessSettings):
    """Where the stand-in listens and keeps its data, and what it shares with the services."""

    state_dir: Path
    clerk_webhook_secret: Annotated[CommaList, Field(description="signs webhooks; several while a secret is rotated")]
    clerk_secret_key: str = Field(min_length=1)
    webhook_url: AnyHttpUrl | None = Field(None, description="where webhooks go; none are recorded without")
    authorized_party: str = Field(DEFAULT_PARTY, description="origin of the web client: claim azp, redirects, CORS")
    issuer: str = DEFAULT_ISSUER
    retry_scale: float = Field(1, ge=0, description="factor on the waits of Svix's retry schedule")

    _split = field_validator("clerk_webhook_secret", mode="before")(split_commas)
