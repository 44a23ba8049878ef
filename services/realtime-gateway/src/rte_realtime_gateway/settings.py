"""What the environment must say."""

from pydantic import Field, field_validator

from rte_common.settings import ClerkSettings, CommaList, NatsSettings, ProcessSettings, split_commas


class Settings(ProcessSettings, ClerkSettings, NatsSettings):
    """The gateway has no database: tokens and the broker are all it knows."""

    allowed_origins: CommaList = Field(
        (), description="origins whose pages may connect, * for all; defaults to CLERK_AUTHORIZED_PARTIES"
    )
    flush_seconds: float = Field(
        0.06, ge=0, le=0.5, description="least time between two writes to a socket when many changes come"
    )
    max_message_bytes: int = Field(1_000_000, ge=1024, lt=1 << 20, description="longest websocket message of a client")

    # The mixins' validators share one name, of which only one survives inheritance.
    _split = field_validator("nats_url", "clerk_authorized_parties", "allowed_origins", mode="before")(split_commas)
