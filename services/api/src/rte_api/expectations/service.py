"""The rules of expectations, in SQL that runs as the member: the policies of the tables decide what it may touch."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from rte_api import idempotency
from rte_api.expectations.schemas import ExpectationChange, NewExpectation
from rte_api.idempotency import Created
from rte_api.members.service import MemberNotYetKnown
from rte_common.auth import Member
from rte_common.database import Connection, Database, violated
from rte_common.problems import Problem

Expectation = dict[str, Any]
"""An expectation as clients see it (ExpectationView)."""

COLUMNS = """
    e.id::text as id, e.team_id, e.user_id, e.title, e.estimated_completion, e.is_done, e.done_at, e.archived_at,
    e.version, e.created_at, e.updated_at, u.name, u.avatar_url
"""
PUBLISH = f"""
    with e as (
        insert into expectations (team_id, user_id, title, estimated_completion)
        select team_id, user_id, $3, $4 from memberships where team_id = $1 and user_id = $2
        on conflict (team_id, user_id) where not is_done do nothing
        returning *
    )
    select {COLUMNS} from e join users u on u.id = e.user_id
"""  # noqa: S608 - constants only
ACTIVE = "select e.id::text from expectations e where e.team_id = $1 and e.user_id = $2 and not e.is_done"
WHY_NOT_PUBLISHED = """
    select e.id::text as active from memberships m
    left join expectations e on (e.team_id, e.user_id) = (m.team_id, m.user_id) and not e.is_done
    where m.team_id = $1 and m.user_id = $2
"""
ATTEMPTS = 5
"""Attempts to publish, complete or reopen: what refused one may have changed until the look at it."""
CHANGE = f"""
    with e as (
        update expectations
        set title = coalesce($5, title), estimated_completion = case when $6 then $7 else estimated_completion end
        where id = $1 and not is_done and ($2::int[] is null or version = any($2)) and (user_id = $3 or $4)
        returning *
    )
    select {COLUMNS} from e join users u on u.id = e.user_id
"""  # noqa: S608
COMPLETE = f"""
    with e as (
        -- The clock of a standby that took over may be behind the one that made the row.
        update expectations set is_done = true, done_at = greatest(now(), created_at)
        where id = $1 and not is_done and ($2::int[] is null or version = any($2)) and (user_id = $3 or $4)
        returning *
    )
    select {COLUMNS} from e join users u on u.id = e.user_id
"""  # noqa: S608
REOPEN = f"""
    with e as (
        update expectations set is_done = false, done_at = null
        where id = $1 and is_done and archived_at is null and ($2::int[] is null or version = any($2)) and user_id = $3
            and exists (select from memberships m where (m.team_id, m.user_id) = (expectations.team_id, $3))
        returning *
    )
    select {COLUMNS} from e join users u on u.id = e.user_id
"""  # noqa: S608
WITHDRAW = """
    delete from expectations
    where id = $1 and not is_done and ($2::int[] is null or version = any($2)) and (user_id = $3 or $4)
    returning true
"""
READ = f"select {COLUMNS} from expectations e join users u on u.id = e.user_id where e.id = $1"  # noqa: S608


class ActiveExpectationExists(Problem):
    """The member already has an active expectation; `active` is its id, None when it was finished a moment ago."""

    type = "active-expectation-exists"

    def __init__(self, active: str | None) -> None:
        path = f"/api/v1/expectations/{active}"
        ways = f"Complete it (POST {path}/complete), change it (PATCH {path}) or delete it (DELETE {path}) first"
        super().__init__(ways if active else "It was finished a moment ago: try again", active=active)


class EstimateInPast(Problem):
    """The estimated completion is not in the future"""

    type = "estimate-in-past"

    def __init__(self) -> None:
        errors = [{"pointer": "/estimated_completion", "expected": "a time in the future"}]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(f"Choose a time after {now}, the server's now, or leave it out", errors=errors)


class ExpectationNotFound(Problem):
    """There is no such expectation in the team"""

    type = "not-found"

    def __init__(self) -> None:
        super().__init__("The team has no expectation with this id: look it up in GET /api/v1/expectations?status=all")


class NotTheOwner(Problem):
    """Only the owner or an admin of the team changes an expectation"""

    type = "not-the-owner"

    def __init__(self, remedy: str = "Ask the owner, or an admin of the team") -> None:
        super().__init__(remedy)


class SecondFactorRequired(Problem):
    """An admin who acts for others must have verified a second factor lately"""

    type = "second-factor-required"

    def __init__(self, minutes: int) -> None:
        # The shape that Clerk's front end knows (reverification): it asks for the factor and repeats the request.
        reverification = {"level": "second_factor", "afterMinutes": minutes}
        clerk_error = {
            "type": "forbidden",
            "reason": "reverification-error",
            "metadata": {"reverification": reverification},
        }
        super().__init__("Verify your second factor, then repeat the request", clerk_error=clerk_error)


class ExpectationIsHistory(Problem):
    """A completed expectation never changes"""

    type = "expectation-is-history"

    def __init__(self) -> None:
        super().__init__("Publish another one")


class TooLateToReopen(Problem):
    """An expectation is reopened within a minute of its completion, or not at all"""

    type = "too-late-to-reopen"

    def __init__(self) -> None:
        super().__init__("Publish another one")


class VersionMismatch(Problem):
    """The expectation has another version than If-Match names"""

    type = "version-mismatch"

    def __init__(self, version: int) -> None:
        super().__init__("Read it again, and decide anew", version=version)


def view(row: asyncpg.Record) -> Expectation:
    """A row of COLUMNS as clients see it."""
    expectation = dict(row)
    expectation["user"] = {
        "id": row["user_id"],
        "name": expectation.pop("name"),
        "avatar_url": expectation.pop("avatar_url"),
    }
    return expectation


async def publish(database: Database, member: Member, new: NewExpectation, key: str | None) -> Created:
    """Make `new` the member's one active expectation; the change capture tells the world."""
    request = idempotency.fingerprint("publish_expectation", new.model_dump_json())
    try:
        async with database.acting_as(member) as connection:
            return await idempotency.once(connection, member, key, request, lambda: _insert(connection, member, new))
    except asyncpg.CheckViolationError as error:
        raise _refusal(error) from error


async def _insert(connection: Connection, member: Member, new: NewExpectation) -> Created:
    # The partial unique index decides, not a SELECT: two requests may arrive together.
    for _ in range(ATTEMPTS):
        row = await connection.fetchrow(PUBLISH, member.team_id, member.id, new.title, new.estimated_completion)
        if row is not None:
            return Created.at("expectations", view(row))
        why = await connection.fetchrow(WHY_NOT_PUBLISHED, member.team_id, member.id)
        if why is None:
            raise MemberNotYetKnown
        if why["active"] is not None:
            raise ActiveExpectationExists(why["active"])
    raise ActiveExpectationExists(None)


async def read(database: Database, member: Member, expectation_id: UUID) -> Expectation:
    """One expectation of the team, whatever its state."""
    async with database.acting_as(member, read_only=True) as connection:
        row = await connection.fetchrow(READ, expectation_id)
    if row is None:
        raise ExpectationNotFound
    return view(row)


class Guard:
    """Conditions under which a member may change an expectation."""

    def __init__(self, member: Member, versions: list[int] | None, second_factor_minutes: int | None) -> None:
        self._member = member
        self._versions = versions
        self._factor_minutes = second_factor_minutes
        verified = member.second_factor_minutes
        self._for_others = second_factor_minutes is None or (verified is not None and verified <= second_factor_minutes)

    def arguments(self, expectation_id: UUID) -> tuple[Any, ...]:
        """The arguments $1 to $4 of CHANGE, COMPLETE and WITHDRAW."""
        return expectation_id, self._versions, self._member.id, self._for_others

    async def why_not(self, connection: Connection, expectation_id: UUID) -> Expectation:
        """Raise why the statement touched no row, or return the expectation because it is history, or was until now."""
        row = await connection.fetchrow(READ, expectation_id)
        if row is None:
            raise ExpectationNotFound
        if row["user_id"] != self._member.id:
            if not await connection.fetchval("select rte.is_team_admin()"):
                raise NotTheOwner
            if self._factor_minutes is not None and not self._for_others:
                raise SecondFactorRequired(self._factor_minutes)
        if not row["is_done"]:
            self._check_version(row["version"])
        return view(row)

    async def why_not_reopened(self, connection: Connection, expectation_id: UUID) -> Expectation:
        """Raise why REOPEN touched no row, or return the expectation because it is active, or was until now."""
        row = await connection.fetchrow(READ, expectation_id)
        if row is None:
            raise ExpectationNotFound
        if row["user_id"] != self._member.id:
            raise NotTheOwner("Ask the owner: nobody else reopens it, not even an admin")
        if not row["is_done"]:
            return view(row)
        if row["archived_at"] is not None:
            raise TooLateToReopen
        if not await connection.fetchrow(WHY_NOT_PUBLISHED, self._member.team_id, self._member.id):
            raise MemberNotYetKnown
        self._check_version(row["version"])
        return view(row)

    def _check_version(self, version: int) -> None:
        if self._versions is not None and version not in self._versions:
            raise VersionMismatch(version)


async def change(
    database: Database, guard: Guard, member: Member, expectation_id: UUID, new: ExpectationChange | NewExpectation
) -> Expectation:
    """Change what `new` sets."""
    title = new.title if "title" in new.model_fields_set else None
    sets_estimate = isinstance(new, NewExpectation) or "estimated_completion" in new.model_fields_set
    try:
        async with database.acting_as(member) as connection:
            row = await connection.fetchrow(
                CHANGE, *guard.arguments(expectation_id), title, sets_estimate, new.estimated_completion
            )
            if row is None:
                await guard.why_not(connection, expectation_id)
                raise ExpectationIsHistory
    except asyncpg.CheckViolationError as error:
        raise _refusal(error) from error
    return view(row)


async def complete(database: Database, guard: Guard, member: Member, expectation_id: UUID) -> Expectation:
    """Make the expectation history. Done again, it changes nothing and answers the same."""
    async with database.acting_as(member) as connection:
        for _ in range(ATTEMPTS):
            if row := await connection.fetchrow(COMPLETE, *guard.arguments(expectation_id)):
                return view(row)
            known = await guard.why_not(connection, expectation_id)
            if known["is_done"]:
                return known
    raise VersionMismatch(known["version"])


async def reopen(database: Database, guard: Guard, member: Member, expectation_id: UUID) -> Expectation:
    """Take back the member's own completion of a moment ago. What is active already stays, and answers the same.

    How long that is possible is a rule of the table (migration 0007).
    """
    id_, versions, owner, _ = guard.arguments(expectation_id)
    try:
        async with database.acting_as(member) as connection:
            for _ in range(ATTEMPTS):
                if row := await connection.fetchrow(REOPEN, id_, versions, owner):
                    return view(row)
                known = await guard.why_not_reopened(connection, expectation_id)
                if not known["is_done"]:
                    return known
    except asyncpg.CheckViolationError as error:
        raise _refusal(error) from error
    except asyncpg.UniqueViolationError as error:
        # The partial unique index decides here, too; the transaction that it ended cannot be asked what is active.
        async with database.acting_as(member, read_only=True) as connection:
            raise ActiveExpectationExists(await connection.fetchval(ACTIVE, member.team_id, member.id)) from error
    raise VersionMismatch(known["version"])


async def withdraw(database: Database, guard: Guard, member: Member, expectation_id: UUID) -> None:
    """Delete an expectation that is not done."""
    async with database.acting_as(member) as connection:
        if not await connection.fetchval(WITHDRAW, *guard.arguments(expectation_id)):
            await guard.why_not(connection, expectation_id)
            raise ExpectationIsHistory


def _refusal(error: asyncpg.CheckViolationError) -> Exception:
    match violated(error):
        case "estimated_completion_in_future":
            return EstimateInPast()
        case "reopened_within_a_minute":
            return TooLateToReopen()
        case _:
            return error
