"""HTTP for exports."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from rte_api import responses
from rte_api.dependencies import CurrentDatabase, CurrentMember, CurrentState, WritingMember
from rte_api.exports import service
from rte_api.exports.schemas import ExportDetails, ExportPage, ExportView, NewExport
from rte_api.exports.service import ExportInProgress, ExportNotFound
from rte_api.idempotency import IdempotencyKeyReused
from rte_api.json_body import JsonRoute
from rte_api.members.service import MemberNotYetKnown
from rte_api.parameters import IdempotencyKey, Page
from rte_api.storage import StorageAway
from rte_common.problems import may_raise

router = APIRouter(prefix="/exports", tags=["exports"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    operation_id="ask_for_export",
    response_model=ExportView,
    responses=may_raise(ExportInProgress, IdempotencyKeyReused, MemberNotYetKnown),
)
async def ask(new: NewExport, member: WritingMember, database: CurrentDatabase, key: IdempotencyKey = None) -> Response:
    """Ask for a file with all expectations of the caller in the team."""
    return responses.created(await service.ask(database, member, new, key))


@router.get("", operation_id="list_exports", response_model=ExportPage)
async def list_exports(query: Annotated[Page, Query()], member: CurrentMember, database: CurrentDatabase) -> Response:
    """List the caller's exports, newest first."""
    return responses.json_response(await service.page(database, member, query.limit, query.cursor))


@router.get(
    "/{export_id}",
    operation_id="read_export",
    response_model=ExportDetails,
    responses=may_raise(ExportNotFound, StorageAway),
)
async def read(export_id: UUID, member: CurrentMember, state: CurrentState) -> Response:
    """Read how far an export of the caller is, and when it is ready, the link to its file."""
    return responses.json_response(await service.read(state["database"], state["storage"], member, export_id))
