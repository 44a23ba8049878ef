"""What the environment must say."""

from pydantic import Field, field_validator

from rte_common.origins import origin
from rte_common.settings import ClerkSettings, CommaList, NatsSettings, ProcessSettings, split_commas

HEARTBEAT_SECONDS = 90.0
"""Seconds by which the last sign of life of a client may be older than its disconnection."""


class Settings(ProcessSettings, ClerkSettings, NatsSettings):
    """The gateway has no database: tokens and the broker are all it knows."""

    allowed_origins: CommaList = Field(
        (), description="origins whose pages may connect, * for all; defaults to CLERK_AUTHORIZED_PARTIES"
    )
    workers: int = Field(1, ge=1, le=64, description="processes on the port; their metrics are on METRICS_PORT and up")
    flush_seconds: float = Field(
        0.09, ge=0, le=0.5, description="least time between two writes to a socket when many changes come"
    )
    resume_seconds: float = Field(
        300, ge=10, le=3600, description="how long after a lost connection a client still gets what it missed"
    )
    expiry_grace_seconds: float = Field(
        60, ge=0, le=300, description="how long a channel outlives its token; hidden tabs renew once a minute"
    )
    max_queue_bytes: int = Field(
        1 << 20, ge=1 << 16, description="bytes that may wait for a slow client before it is cut off"
    )
    compression: bool = Field(
        False, description="deflate messages for clients that offer it: fewer bytes on the way, more CPU here"
    )
    max_message_bytes: int = Field(1_000_000, ge=1024, lt=1 << 20, description="longest websocket message of a client")

    @property
    def kept_seconds(self) -> float:
        """Seconds for which changes and positions are kept, so that clients may come back within `resume_seconds`."""
        return self.resume_seconds + HEARTBEAT_SECONDS

    _split_origins = field_validator("allowed_origins", mode="before")(split_commas)

    @field_validator("allowed_origins")
    @classmethod
    def _written_as_browsers_do(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # null is what pages without an origin of their own send, as files and some apps are.
        return tuple(text if text in ("*", "null") else origin(text) for text in origins)
