"""HTTP for expectations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from rte_api import etags, responses
from rte_api.dependencies import CurrentDatabase, CurrentMember, CurrentState, WritingMember
from rte_api.expectations import listing, service
from rte_api.expectations.fallback import Fallback, FallbackState
from rte_api.expectations.listing import ListQuery
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
    TooLateToReopen,
    VersionMismatch,
)
from rte_api.idempotency import IdempotencyKeyReused
from rte_api.json_body import JsonRoute
from rte_api.members.service import MemberNotYetKnown
from rte_api.parameters import ExpectationId, IdempotencyKey, IfMatch
from rte_common.database import DatabaseAway
from rte_common.problems import may_raise

ME = "me"
"""Name of the caller where a member's id is asked for."""

router = APIRouter(prefix="/expectations", tags=["expectations"], route_class=JsonRoute)


async def _guard(request: Request, state: CurrentState, member: WritingMember, _: IfMatch = None) -> Guard:
    versions = etags.accepted_versions(request.headers.getlist("if-match"))
    return Guard(member, versions, state["settings"].admin_second_factor_minutes)


async def _fallback(request: Request) -> Fallback:
    state: FallbackState = request.scope["state"]
    return state["fallback"]


CurrentGuard = Annotated[Guard, Depends(_guard)]
CurrentFallback = Annotated[Fallback, Depends(_fallback)]
CHANGING = (ExpectationNotFound, NotTheOwner, SecondFactorRequired, VersionMismatch)


@router.get("", operation_id="list_expectations", response_model=ExpectationPage)
async def list_expectations(
    request: Request,
    query: Annotated[ListQuery, Query()],
    member: CurrentMember,
    database: CurrentDatabase,
    fallback: CurrentFallback,
) -> Response:
    """List the team's expectations, newest first.

    While the database is away, active ones are the last known; `as_of` then says of when they are.
    """
    own = query.user_id == ME
    if own:
        query = query.model_copy(update={"user_id": member.id})
    try:
        page = await listing.page(database, member, query)
    except DatabaseAway:
        known = await fallback.page(member, query) if query.status is Status.ACTIVE else None
        if known is None:
            raise
        return responses.json_response(known)
    if query.status is Status.ACTIVE:
        fallback.schedule(member.team_id)
    return responses.cacheable(request, page | {"as_of": None}, for_team=not own)


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


@router.post(
    "/{expectation_id}/reopen",
    operation_id="reopen_expectation",
    response_model=ExpectationView,
    responses=may_raise(
        ExpectationNotFound,
        NotTheOwner,
        VersionMismatch,
        TooLateToReopen,
        ActiveExpectationExists,
        MemberNotYetKnown,
    ),
)
async def reopen(
    expectation_id: ExpectationId,
    guard: CurrentGuard,
    member: WritingMember,
    database: CurrentDatabase,
) -> Response:
    """Reopen the caller's own expectation, at most 60 seconds after it was done. Doing it again changes nothing.

    After that it is history for good. While another one is active, 409 names that as `active`.
    """
    return responses.changed(await service.reopen(database, guard, member, expectation_id))
