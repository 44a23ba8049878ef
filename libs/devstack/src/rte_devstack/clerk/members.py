"""Who is offered to sign in: on the stand-in's own page, and to pages that have their own, at `/devstack/members`."""

from fastapi import APIRouter
from pydantic import BaseModel

from rte_common.auth import role_of
from rte_common.settings import TeamMode
from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.objects import JsonObject, full_name, primary_email
from rte_devstack.clerk.settings import Settings

MAX_OFFERED = 24
"""The demo has six members, a load test may have thousands."""


class OfferedMember(BaseModel):
    """Somebody who may sign in without a password. `team` is empty for who is in none."""

    id: str
    name: str
    email: str | None
    avatar_url: str
    team: str
    admin: bool


def router(directory: Directory, settings: Settings) -> APIRouter:
    """Make the route."""
    routes = APIRouter()

    @routes.get("/devstack/members")
    async def members() -> list[OfferedMember]:
        return offered(directory, settings)

    return routes


def offered(directory: Directory, settings: Settings) -> list[OfferedMember]:
    """Return who was there first, at most MAX_OFFERED."""
    users = sorted(directory.users.values(), key=lambda user: int(user["created_at"]))[:MAX_OFFERED]
    return [_offer(user, directory, settings) for user in users]


def _offer(user: JsonObject, directory: Directory, settings: Settings) -> OfferedMember:
    memberships = [each for each in directory.memberships.values() if each["user_id"] == user["id"]]
    single = settings.team_mode is TeamMode.SINGLE
    if single and settings.team_name:
        teams = [settings.team_name]
    else:
        teams = [directory.organizations[membership["organization_id"]]["name"] for membership in memberships]
    roles = [user["public_metadata"].get("role")] if single else [membership["role"] for membership in memberships]
    return OfferedMember(
        id=user["id"],
        name=full_name(user),
        email=primary_email(user),
        avatar_url=user["image_url"],
        team=", ".join(teams),
        admin=any(role_of(role) == "admin" for role in roles),
    )
