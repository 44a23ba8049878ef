"""What the environment must say."""

import base64
import binascii
import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from rte_common.settings import Environment, ProcessSettings

PUBLISHABLE_KEY = re.compile(r"pk_(?:test|live)_(?P<host>[A-Za-z0-9+/_-]+)=*")
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
ORIGIN = re.compile(r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?", re.IGNORECASE)


class Settings(ProcessSettings):
    """The web client needs no database and no broker: it tells browsers where to sign in, and they ask the api."""

    web_client_folder: Path = Field(
        Path("web/dist"), description="the built web client, made by `npm run build` in web/"
    )
    clerk_publishable_key: str | None = Field(
        None, description="Clerk's Frontend API, where the web client has members sign in"
    )
    clerk_stand_in_url: str | None = Field(
        None, description="sign-in of devstack instead of Clerk's; `APP_ENV=production` refuses it"
    )
    supabase_url: str | None = Field(None, description="Supabase Storage, from where the page loads pictures")

    @field_validator("clerk_publishable_key")
    @classmethod
    def _key_names_a_host(cls, value: str | None) -> str | None:
        if value is not None and not frontend_api(value):
            raise ValueError("must be a publishable key, like pk_live_Y2xlcmsuZXhhbXBsZS5jb20k")
        return value

    @field_validator("clerk_stand_in_url", "supabase_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        # Anything else could add a directive to the page's policy.
        if value is None:
            return None
        origin = value.removesuffix("/")
        if not ORIGIN.fullmatch(origin):
            raise ValueError("must be scheme, host and port alone, like https://project.supabase.co")
        return origin

    @model_validator(mode="after")
    def _production_signs_in_with_clerk(self) -> Self:
        if self.app_env is Environment.PRODUCTION:
            if self.clerk_stand_in_url:
                raise ValueError("CLERK_STAND_IN_URL is a stand-in's, which APP_ENV=production refuses")
            if not self.clerk_publishable_key:
                raise ValueError("CLERK_PUBLISHABLE_KEY is not set, and nobody could sign in: see .env.example")
        return self

    @property
    def clerk_host(self) -> str | None:
        """Host of Clerk's Frontend API."""
        return frontend_api(self.clerk_publishable_key) if self.clerk_publishable_key else None


def frontend_api(publishable_key: str) -> str | None:
    """The host that a publishable key names: it is the base64 of `host$`. None when the text is no such key."""
    found = PUBLISHABLE_KEY.fullmatch(publishable_key)
    if not found:
        return None
    try:
        text = base64.b64decode(found["host"] + "==", altchars=b"-_").decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    host = text.removesuffix("$")
    return host.lower() if text.endswith("$") and HOST.fullmatch(host) else None
