"""HTTP for expectations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from rte_api import conditional, responses
from rte_api.dependencies import CurrentDatabase, CurrentMember, CurrentWiring, WritingMember
from rte_api.expectations import listing, service
from rte_api.expectations.listing import Question
from rte_api.expectations.schemas import (
    ExpectationChange,
    ExpectationPage,
    ExpectationView,
    NewExpectation,
    Status,
)
from rte_api.expectations.service import (
    ActiveExpectationExists,
    EstimateInPast,
    ExpectationIsHistory,
    ExpectationNotFound,
    Guard,
    NotTheOwner,
    SecondFactorRequired,
    VersionMismatch,
)
from rte_api.idempotency import IdempotencyKeyReused
from rte_api.inputs import ExpectationId, IdempotencyKey, IfMatch
from rte_api.json_body import JsonRoute
from rte_api.members.service import MemberNotYetKnown
from rte_common.database import DatabaseAway
from rte_common.problems import may_raise

MAX_AGE = {Status.ACTIVE: 60, Status.COMPLETED: 300, Status.ALL: 60}
"""Seconds that the caller's own cache may keep a list."""
ME = "me"
"""The caller, where a member's id is asked for."""

router = APIRouter(prefix="/expectations", tags=["expectations"], route_class=JsonRoute)


async def _guard(request: Request, wiring: CurrentWiring, member: WritingMember, _: IfMatch = None) -> Guard:
    versions = conditional.wanted_versions(request.headers.getlist("if-match"))
    return Guard(member, versions, wiring.settings.admin_second_factor_minutes)


CurrentGuard = Annotated[Guard, Depends(_guard)]
CHANGING = (ExpectationNotFound, NotTheOwner, SecondFactorRequired, VersionMismatch)


@router.get("", operation_id="list_expectations", response_model=ExpectationPage)
async def list_expectations(
    request: Request, question: Annotated[Question, Query()], member: CurrentMember, wiring: CurrentWiring
) -> Response:
    """List the team's expectations, newest first.

    While the database is away, active ones are the last known; `as_of` then says of when they are.
    """
    own = question.user_id == ME
    if own:
        question = question.model_copy(update={"user_id": member.id})
    try:
        page = await listing.page(wiring.database, member, question)
    except DatabaseAway:
        known = await wiring.last_known.page(member, question) if question.status is Status.ACTIVE else None
        if known is None:
            raise
        return responses.json_response(known)
    if question.status is Status.ACTIVE:
        wiring.last_known.changed(member.team_id)
    return responses.shared(request, page | {"as_of": None}, MAX_AGE[question.status], keep=not own)


@router.post(
    "",
    status_code=201,
    operation_id="publish_expectation",
    response_model=ExpectationView,
    responses=may_raise(ActiveExpectationExists, EstimateInPast, IdempotencyKeyReused, MemberNotYetKnown),
)
async def publish(
    new: NewExpectation, member: WritingMember, database: CurrentDatabase, key: IdempotencyKey = None
) -> Response:
    """Publish the caller's one active expectation.

    While there is one, 409 names it as `active`: complete, change or delete that first.
    """
    return responses.created(await service.publish(database, member, new, key))


@router.get(
    "/{expectation_id}",
    operation_id="read_expectation",
    response_model=ExpectationView,
    responses=may_raise(ExpectationNotFound),
)
async def read(
    request: Request, expectation_id: ExpectationId, member: CurrentMember, database: CurrentDatabase
) -> Response:
    """Read one expectation of the team."""
    return responses.versioned(request, await service.read(database, member, expectation_id))


@router.patch(
    "/{expectation_id}",
    operation_id="change_expectation",
    response_model=ExpectationView,
    responses=may_raise(*CHANGING, ExpectationIsHistory, EstimateInPast),
)
async def change(
    expectation_id: ExpectationId,
    new: ExpectationChange,
    guard: CurrentGuard,
    member: WritingMember,
    database: CurrentDatabase,
) -> Response:
    """Change title or estimated completion of an expectation that is not done.

    What is left out stays.
    """
    return responses.changed(await service.change(database, guard, member, expectation_id, new))


@router.put(
    "/{expectation_id}",
    operation_id="replace_expectation",
    response_model=ExpectationView,
    responses=may_raise(*CHANGING, ExpectationIsHistory, EstimateInPast),
)
async def replace(
    expectation_id: ExpectationId,
    new: NewExpectation,
    guard: CurrentGuard,
    member: WritingMember,
    database: CurrentDatabase,
) -> Response:
    """Replace title and estimated completion of an expectation that is not done.

    What is left out is emptied.
    """
    return responses.changed(await service.change(database, guard, member, expectation_id, new))


@router.delete(
    "/{expectation_id}",
    status_code=204,
    operation_id="withdraw_expectation",
    responses=may_raise(*CHANGING, ExpectationIsHistory),
)
async def withdraw(
    expectation_id: ExpectationId, guard: CurrentGuard, member: WritingMember, database: CurrentDatabase
) -> None:
    """Withdraw an expectation that is not done."""
    await service.withdraw(database, guard, member, expectation_id)


@router.post(
    "/{expectation_id}/complete",
    operation_id="complete_expectation",
    response_model=ExpectationView,
    responses=may_raise(*CHANGING),
)
async def complete(
    expectation_id: ExpectationId,
    guard: CurrentGuard,
    member: WritingMember,
    database: CurrentDatabase,
) -> Response:
    """Mark an expectation as done, which makes it history. Doing it again changes nothing."""
    return responses.changed(await service.complete(database, guard, member, expectation_id))
