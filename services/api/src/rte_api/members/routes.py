"""HTTP for members."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember, WritingMember
from rte_api.json_body import JsonRoute
from rte_api.members import service
from rte_api.members.schemas import Me, MeChange, TeamMemberPage, TeamView
from rte_api.members.service import MemberNotYetKnown
from rte_api.parameters import CURSOR, MemberId, Paged
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(tags=["members"], route_class=JsonRoute)
KNOWN = may_raise(MemberNotYetKnown)


class MembersQuery(Paged):
    """Query of the list of members: which part a caller wants."""

    cursor: MemberId | None = Field(None, description=CURSOR)


@router.get("/me", operation_id="read_me", response_model=Me, responses=KNOWN)
async def read_me(member: CurrentMember, database: CurrentDatabase) -> Response:
    """Read who the caller is: profile, team, role and notification settings."""
    return json_response(await service.me(database, member))


@router.patch("/me", operation_id="change_me", response_model=Me, responses=KNOWN)
async def change_me(new: MeChange, member: WritingMember, database: CurrentDatabase) -> Response:
    """Change the caller's time zone and notification settings."""
    return json_response(await service.change_me(database, member, new))


@router.get("/team", operation_id="read_team", response_model=TeamView, responses=KNOWN)
async def read_team(member: CurrentMember, database: CurrentDatabase) -> Response:
    """Read the name of the caller's team."""
    return json_response(await service.team(database, member))


@router.get("/team/members", operation_id="list_team_members", response_model=TeamMemberPage)
async def list_team_members(
    query: Annotated[MembersQuery, Query()], member: CurrentMember, database: CurrentDatabase
) -> Response:
    """List who is in the team, by id."""
    return json_response(await service.team_members(database, member, query.limit, query.cursor))
