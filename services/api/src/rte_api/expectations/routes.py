"""HTTP for expectations."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember, WritingMember
from rte_api.expectations import service
from rte_api.expectations.schemas import ExpectationPage, ExpectationView, NewExpectation
from rte_api.expectations.service import (
    ActiveExpectationExists,
    EstimateInPast,
    ExpectationNotFound,
    MemberNotYetKnown,
    NotTheOwner,
)
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(prefix="/expectations", tags=["expectations"])


@router.get("", operation_id="list_expectations", response_model=ExpectationPage)
async def list_expectations(member: CurrentMember, database: CurrentDatabase) -> Response:
    """The team's active expectations, newest first."""
    return json_response({"items": await service.active(database, member), "next_cursor": None})


@router.post(
    "",
    status_code=201,
    operation_id="publish_expectation",
    response_model=ExpectationView,
    responses=may_raise(ActiveExpectationExists, EstimateInPast, MemberNotYetKnown),
)
async def publish(new: NewExpectation, member: WritingMember, database: CurrentDatabase) -> Response:
    """Publish the caller's one active expectation."""
    expectation = await service.publish(database, member, new)
    return json_response(expectation, 201, {"location": f"/api/v1/expectations/{expectation['id']}"})


@router.post(
    "/{expectation_id}/complete",
    operation_id="complete_expectation",
    response_model=ExpectationView,
    responses=may_raise(ExpectationNotFound, NotTheOwner),
)
async def complete(expectation_id: UUID, member: WritingMember, database: CurrentDatabase) -> Response:
    """Mark an expectation as done, which makes it history. Doing it again changes nothing."""
    return json_response(await service.complete(database, member, expectation_id))
