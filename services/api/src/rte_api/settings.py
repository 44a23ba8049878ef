"""What the environment must say."""

from pydantic import Field

from rte_common.settings import (
    ClerkSettings,
    DatabaseSettings,
    NatsSettings,
    Origins,
    ProcessSettings,
)
from rte_common.storage import StorageSettings


class Settings(ProcessSettings, DatabaseSettings, ClerkSettings, NatsSettings, StorageSettings):
    """The api needs Postgres, NATS, Clerk's public keys, and Supabase Storage for avatars and exports."""

    clerk_publishable_key: str | None = Field(
        None,
        description="web: where to sign in; api: names the suffixed session cookie, else only `__session` is read",
    )
    admin_second_factor_minutes: int | None = Field(
        None, ge=1, description="admins who act for others must have verified a second factor within so many minutes"
    )
    cors_origins: Origins = Field(
        (), description="origins whose pages may call the api; defaults to CLERK_AUTHORIZED_PARTIES"
    )
    rate_limit_requests_per_minute: int = Field(
        100, ge=1, description="what a member may ask for, counted by each replica"
    )
    rate_limit_writes_per_minute: int = Field(10, ge=1, description="what a member may change, counted by each replica")
    request_timeout_seconds: float = Field(20, gt=0, description="longest time that a request may take")
    body_timeout_seconds: float = Field(10, gt=0, description="longest time that the body of a request may take")
