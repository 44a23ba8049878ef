"""HTTP for members."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember, WritingMember
from rte_api.inputs import PAGE_SIZE, Limit, MemberId
from rte_api.members import service
from rte_api.members.schemas import Me, MeChange, TeamMemberPage, TeamView
from rte_api.members.service import MemberNotYetKnown
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(tags=["members"])
KNOWN = may_raise(MemberNotYetKnown)


@router.get("/me", operation_id="read_me", response_model=Me, responses=KNOWN)
async def read_me(member: CurrentMember, database: CurrentDatabase) -> Response:
    """Who the caller is: profile, team, role and notification settings."""
    return json_response(await service.me(database, member))


@router.patch("/me", operation_id="change_me", response_model=Me, responses=KNOWN)
async def change_me(new: MeChange, member: WritingMember, database: CurrentDatabase) -> Response:
    """Change the caller's time zone and notification settings."""
    return json_response(await service.change_me(database, member, new))


@router.get("/team", operation_id="read_team", response_model=TeamView, responses=KNOWN)
async def read_team(member: CurrentMember, database: CurrentDatabase) -> Response:
    """The caller's team."""
    return json_response(await service.team(database, member))


@router.get("/team/members", operation_id="list_team_members", response_model=TeamMemberPage)
async def list_team_members(
    member: CurrentMember,
    database: CurrentDatabase,
    limit: Limit = PAGE_SIZE,
    cursor: Annotated[MemberId | None, Query(description="`next_cursor` of the page before")] = None,
) -> Response:
    """Who is in the team, by id."""
    return json_response(await service.team_members(database, member, limit, cursor))
