"""HTTP for reports."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember
from rte_api.parameters import CURSOR, Day, Paged
from rte_api.reports import service
from rte_api.reports.schemas import ReportDetails, ReportPage
from rte_api.reports.service import ReportNotFound
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(prefix="/reports", tags=["reports"])


class ReportsQuery(Paged):
    """Query of the list of reports: which part a caller wants."""

    cursor: Day | None = Field(None, description=CURSOR)


@router.get("", operation_id="list_reports", response_model=ReportPage)
async def list_reports(
    query: Annotated[ReportsQuery, Query()], member: CurrentMember, database: CurrentDatabase
) -> Response:
    """List the team's weekly reports, newest first."""
    return json_response(await service.page(database, member, query.limit, query.cursor))


@router.get(
    "/{report_id}",
    operation_id="read_report",
    response_model=ReportDetails,
    responses=may_raise(ReportNotFound),
)
async def read(report_id: UUID, member: CurrentMember, database: CurrentDatabase) -> Response:
    """Read one week of the team in figures."""
    return json_response(await service.read(database, member, report_id))
