"""What the environment must say."""

from pydantic import Field

from rte_common.settings import ClerkSettings, DatabaseSettings, NatsSettings, ProcessSettings


class Settings(ProcessSettings, DatabaseSettings, ClerkSettings, NatsSettings):
    """The api needs Postgres, NATS and Clerk's public keys."""

    clerk_publishable_key: str | None = Field(
        None, description="names the suffixed session cookie; without it only `__session` is read"
    )
