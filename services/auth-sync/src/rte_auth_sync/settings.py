"""What the environment must say for auth-sync."""

import base64
import binascii

from pydantic import Field, field_validator

from rte_common.settings import (
    CommaList,
    DatabaseSettings,
    NatsSettings,
    ProcessSettings,
    TeamSettings,
    split_commas,
)


class Settings(ProcessSettings, DatabaseSettings, NatsSettings, TeamSettings):
    """Settings of auth-sync: Postgres, NATS, and the secret that Clerk signs with."""

    team_name: str | None = Field(None, description="what the one team is called, where TEAM_MODE is single")
    clerk_webhook_secret: CommaList = Field(description="whsec_..., several separated by commas while rotating")

    _split_secrets = field_validator("clerk_webhook_secret", mode="before")(split_commas)

    @field_validator("clerk_webhook_secret")
    @classmethod
    def _looks_like_secrets(cls, secrets: tuple[str, ...]) -> tuple[str, ...]:
        if not secrets or not all(map(_is_secret, secrets)):
            raise ValueError("must be Clerk's signing secret: whsec_ and what follows it there, all of it")
        return secrets


def _is_secret(text: str) -> bool:
    key = text.removeprefix("whsec_")
    try:
        return key != text and bool(base64.b64decode(key, validate=True))
    except binascii.Error:
        return False
