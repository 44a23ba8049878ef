"""`/devstack/*`: what the dashboard and the browser SDK do at Clerk, made plain for people and tests.

Also the one Frontend API call that a browser needs here: a fresh token for a session.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from rte_common.settings import TeamMode
from rte_devstack.clerk import objects
from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.objects import JsonObject
from rte_devstack.clerk.settings import Settings
from rte_devstack.clerk.tokens import LIFETIME_SECONDS, ActiveOrganization, TokenSigner
from rte_devstack.clerk.webhooks import Deliveries

Origin = Annotated[str | None, Header(description="which page asks; browsers say it by themselves")]


class SessionRequest(BaseModel):
    """Who signs in. `member` is an id, e-mail address or first name; `organization` an id or slug.

    Without `organization` the session has the member's first one where teams are organizations, else none;
    null always means none.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    member: str
    organization: str | None = None


class TokenRequest(SessionRequest):
    """A token to make, for a session that is not kept; see TokenSigner.session_token for the rest."""

    lifetime: float = LIFETIME_SECONDS
    session_id: str | None = None
    status: Literal["active", "pending"] | None = "active"
    actor: dict[str, Any] | None = None
    version: Literal[1, 2] = 2
    claims: dict[str, Any] = {}
    without: list[str] = []


class Replay(BaseModel):
    """Which message to send again."""

    svix_id: str


def choose_organization(directory: Directory, mode: TeamMode, request: SessionRequest) -> ActiveOrganization | None:
    """Return the organization that the asked-for session acts in."""
    user = directory.find_user(request.member)
    if request.organization is not None:
        return directory.active_organization(user["id"], request.organization)
    if mode is TeamMode.SINGLE or "organization" in request.model_fields_set:
        return None
    return directory.active_organization(user["id"], None)


def router(directory: Directory, signer: TokenSigner, deliveries: Deliveries, settings: Settings) -> APIRouter:
    """Make the routes of tokens, sessions, keys and webhooks."""
    routes = APIRouter()

    @routes.post("/devstack/tokens")
    async def token(new: TokenRequest, origin: Origin = None) -> dict[str, str]:
        user = directory.find_user(new.member)
        organization = choose_organization(directory, settings.team_mode, new)
        options = new.model_dump(exclude={"member", "organization", "claims"})
        claims = {"azp": settings.party_of(origin)} | new.claims
        return {"token": signer.session_token(user["id"], organization=organization, **options, **claims)}

    @routes.post("/devstack/sessions", status_code=HTTP_201_CREATED)
    async def sign_in(new: SessionRequest) -> JsonObject:
        user = directory.find_user(new.member)
        return directory.create_session(user["id"], choose_organization(directory, settings.team_mode, new))

    @routes.delete("/devstack/sessions/{id}", status_code=HTTP_204_NO_CONTENT)
    async def sign_out(id: str) -> None:
        directory.remove_session(id)

    @routes.post("/devstack/sessions/{id}/verify", status_code=HTTP_204_NO_CONTENT)
    async def verify_second_factor(id: str) -> None:
        directory.verify_second_factor(id)

    @routes.post("/v1/client/sessions/{id}/tokens")
    async def fresh_token(id: str, origin: Origin = None) -> dict[str, str]:
        return {"object": "token", "jwt": session_token(directory, signer, id, settings.party_of(origin))}

    @routes.post("/devstack/rotate-key", status_code=HTTP_204_NO_CONTENT)
    async def rotate() -> None:
        signer.rotate()

    @routes.get("/devstack/webhooks")
    async def webhooks() -> list[JsonObject]:
        return [asdict(message) for message in deliveries.messages.values()]

    @routes.post("/devstack/webhooks/replay")
    async def replay(asked: Replay) -> JsonObject:
        return asdict(deliveries.replay(asked.svix_id))

    _add_changes(routes, directory)
    return routes


def session_token(directory: Directory, signer: TokenSigner, session_id: str, party: str) -> str:
    """Make a fresh token for an active session, for the pages of `party`; 404 when the session has ended."""
    session = directory.session(session_id)
    organization_id = session["last_active_organization_id"]
    organization = directory.active_organization(session["user_id"], organization_id) if organization_id else None
    return signer.session_token(
        session["user_id"],
        organization=organization,
        session_id=session_id,
        azp=party,
        fva=directory.factor_ages(session_id),
    )


def _add_changes(routes: APIRouter, directory: Directory) -> None:
    @routes.post("/devstack/users", status_code=HTTP_201_CREATED)
    async def create_user(new: objects.NewUser) -> JsonObject:
        return directory.create_user(new)

    @routes.patch("/devstack/users/{id}")
    async def change_user(id: str, fields: objects.UserFields) -> JsonObject:
        return directory.change_user(id, fields)

    @routes.delete("/devstack/users/{id}", status_code=HTTP_204_NO_CONTENT)
    async def delete_user(id: str) -> None:
        directory.delete_user(id)

    @routes.post("/devstack/organizations", status_code=HTTP_201_CREATED)
    async def create_organization(new: objects.NewOrganization) -> JsonObject:
        return directory.create_organization(new)

    @routes.patch("/devstack/organizations/{id}")
    async def change_organization(id: str, fields: objects.OrganizationFields) -> JsonObject:
        return directory.change_organization(id, fields)

    @routes.delete("/devstack/organizations/{id}", status_code=HTTP_204_NO_CONTENT)
    async def delete_organization(id: str) -> None:
        directory.delete_organization(id)

    @routes.post("/devstack/memberships", status_code=HTTP_201_CREATED)
    async def create_membership(new: objects.NewMembership) -> JsonObject:
        return directory.create_membership(new)

    @routes.patch("/devstack/memberships/{id}")
    async def change_membership(id: str, fields: objects.MembershipFields) -> JsonObject:
        return directory.change_membership(id, fields.role)

    @routes.delete("/devstack/memberships/{id}", status_code=HTTP_204_NO_CONTENT)
    async def delete_membership(id: str) -> None:
        directory.delete_membership(id)
