"""What the environment must say: one small mixin per dependency, composed by each service."""

import re
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rte_common.clerk_key import public_key
from rte_common.database_url import DatabaseUrl
from rte_common.origins import Origin, origin

STAND_IN_ISSUER_SUFFIX = ".invalid"
"""Issuers of stand-ins live under this reserved top-level domain (RFC 2606), which no real issuer can have."""

NATS_SERVER = re.compile(
    # The login ends with the last @: a password may hold any character.
    r"(?P<scheme>(?:nats|tls|wss?)://)?(?:(?P<login>.*)@)?(?P<server>(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?)/?",
    re.DOTALL,
)

CommaList = Annotated[tuple[str, ...], NoDecode]
"""A comma separated environment variable; blanks round the items are dropped."""


def split_commas(value: object) -> object:
    """Make a tuple of `value` when it is text, as environment variables are."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_commas)]
"""Comma separated origins of pages, each as browsers write it."""


class Environment(StrEnum):
    """Environment of the process; production refuses stand-ins."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Variables(BaseSettings):
    """Base of all settings: a variable that is set to nothing counts as not set.

    Every mixin derives from it: pydantic takes the configuration of the last base of a class.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")


class ProcessSettings(Variables):
    """Settings of every process, whatever it does."""

    app_env: Environment = Field(
        Environment.DEVELOPMENT, description="`development`, `test` or `production`, which refuses stand-ins"
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port of the service")
    metrics_port: int = Field(
        9000, ge=0, le=65535, description="port of `GET /metrics`, for Prometheus: never route it to the outside"
    )
    drain_seconds: float = Field(0, ge=0, le=3600, description="how long SIGTERM keeps serving while unready")
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="where traces go, like `http://collector:4318`; none are exported without. OpenTelemetry's own"
        " `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say how many",
    )

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _endpoint_is_a_base(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.match(r"https?://[^/?#]", value):
            raise ValueError("must be an address, like http://collector:4318")
        return value.rstrip("/").removesuffix("/v1/traces")  # which the exporter adds


class DatabaseSettings(Variables):
    """Postgres, directly or behind a transaction-mode pooler."""

    database_url: DatabaseUrl = Field(description="Postgres, with the login role of the service")
    database_pool_size: int = Field(5, ge=1, le=100, description="most connections of a process")
    database_prepared_statements: bool = Field(
        False, description="saves a round trip per statement; only without a transaction-mode pooler in between"
    )
    database_timeout_seconds: float = Field(5, gt=0, description="longest wait for a connection, and for a statement")


class NatsSettings(Variables):
    """NATS with JetStream."""

    nats_url: CommaList = Field(
        ("nats://127.0.0.1:4222",), description="the broker; servers of a cluster separated by commas"
    )
    nats_user: str | None = Field(None, description="login at the broker, where NATS_URL holds none")
    nats_password: str | None = Field(None, description="its password as it is, with any characters")
    nats_replicas: int = Field(1, ge=1, le=5, description="copies of each stream: 3 on a cluster")

    _split_nats_url = field_validator("nats_url", mode="before")(split_commas)

    @field_validator("nats_url")
    @classmethod
    def _are_servers(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not urls or not all(map(NATS_SERVER.fullmatch, urls)):
            raise ValueError(
                "must be like nats://host:4222; a password with a comma goes percent-encoded, or into NATS_PASSWORD"
            )
        return urls

    @property
    def nats_servers(self) -> list[str]:
        """Addresses without login."""
        return [f"{found['scheme'] or 'nats://'}{found['server']}" for found in self._found_servers()]

    @property
    def nats_login(self) -> tuple[str | None, str | None]:
        """User and password; the user alone is a token. Each server of a cluster has the same."""
        if self.nats_user or self.nats_password:
            return self.nats_user, self.nats_password
        login = next((found["login"] for found in self._found_servers() if found["login"]), None)
        if login is None:
            return None, None
        # nats-py sends what the URL says as it is; percent-encoded passwords were wrong ones.
        user, colon, password = login.partition(":")
        return unquote(user), unquote(password) if colon else None

    def _found_servers(self) -> list[re.Match[str]]:
        return [found for url in self.nats_url if (found := NATS_SERVER.fullmatch(url))]


class TeamMode(StrEnum):
    """Whether everybody is in one team, or the team is the token's active Clerk organization."""

    SINGLE = "single"
    ORGANIZATIONS = "organizations"


class TeamSettings(Variables):
    """Grouping of members into teams."""

    team_mode: TeamMode = Field(
        TeamMode.SINGLE,
        description="`single`: everybody is in one team; `organizations`: the team is the active Clerk organization",
    )


class ClerkSettings(TeamSettings):
    """Issuer of session tokens, and how they are checked."""

    app_env: Environment = Environment.DEVELOPMENT
    clerk_issuer: str = Field(description="Clerk's Frontend API address, like `https://clerk.example.com`")
    clerk_jwks_url: str | None = Field(None, description="defaults to `<issuer>/.well-known/jwks.json`")
    clerk_jwt_key: str | None = Field(
        None, description="PEM public key: no network needed, a rotation needs a redeploy"
    )
    clerk_authorized_parties: Origins = Field(description="origins whose pages may ask for tokens (claim azp)")

    @field_validator("clerk_issuer")
    @classmethod
    def _issuer_is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or parts.query or parts.fragment:
            raise ValueError("must be the Frontend API address, like https://clerk.example.com")
        # With a path where Clerk is behind a proxy of one's own.
        return origin(parts._replace(path="").geturl()) + parts.path.rstrip("/")

    @field_validator("clerk_jwt_key")
    @classmethod
    def _key_is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            public_key(value)
        return value

    @model_validator(mode="after")
    def _no_stand_in_in_production(self) -> Self:
        host = urlsplit(self.clerk_issuer).hostname or ""
        if self.app_env is Environment.PRODUCTION and host.endswith(STAND_IN_ISSUER_SUFFIX):
            raise ValueError("CLERK_ISSUER is a stand-in's, which APP_ENV=production refuses")
        if not self.clerk_authorized_parties:
            raise ValueError("CLERK_AUTHORIZED_PARTIES needs at least one origin, like https://app.example.com")
        return self

    @property
    def jwks_url(self) -> str:
        """Address of the public keys, without credentials."""
        return self.clerk_jwks_url or f"{self.clerk_issuer}/.well-known/jwks.json"
