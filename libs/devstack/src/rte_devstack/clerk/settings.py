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
    clerk_authorized_parties: Annotated[CommaList, Field(min_length=1)] = Field(
        (DEFAULT_PARTY,), description="origins of web clients: claim azp, redirects, CORS; the first is the stack's own"
    )
    team_name: str | None = Field(None, description="what the one team is called, where TEAM_MODE is single")
    issuer: str = DEFAULT_ISSUER
    retry_scale: float = Field(1, ge=0, description="factor on the waits of Svix's retry schedule")

    _split = field_validator("clerk_webhook_secret", "clerk_authorized_parties", mode="before")(split_commas)

    @property
    def authorized_party(self) -> str:
        """The stack's own origin, for which tokens are made unless a page of another one asks."""
        return self.clerk_authorized_parties[0]

    def party_of(self, origin: str | None) -> str:
        """The origin that a token is made for: the asking page's, as at Clerk, when it is one of the list."""
        return origin if origin in self.clerk_authorized_parties else self.authorized_party

    def avatar_of(self, id: str) -> str:
        """Address of the generated picture of a user or an organization, as a browser on this machine reaches it."""
        return f"http://localhost:{self.port}/avatars/{id}.svg"
