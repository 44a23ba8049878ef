"""HTTP for members."""

from fastapi import APIRouter
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember
from rte_api.expectations.service import MemberNotYetKnown
from rte_api.members import service
from rte_api.members.schemas import Me
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(tags=["members"])


@router.get("/me", operation_id="read_me", response_model=Me, responses=may_raise(MemberNotYetKnown))
async def read_me(member: CurrentMember, database: CurrentDatabase) -> Response:
    """Who the caller is: profile, team and role."""
    return json_response(await service.me(database, member))
