"""The rules of expectations, in SQL that runs as the member: the policies of the tables decide what it may touch."""

from typing import Any
from uuid import UUID

import asyncpg

from rte_api.expectations.schemas import NewExpectation
from rte_common.auth import Member
from rte_common.database import Connection, Database, violated
from rte_common.problems import Problem

Expectation = dict[str, Any]
"""An expectation as clients see it (ExpectationView)."""

COLUMNS = """
    e.id::text as id, e.team_id, e.user_id, e.title, e.estimated_completion, e.is_done, e.done_at, e.archived_at,
    e.version, e.created_at, e.updated_at, u.name, u.avatar_url
"""


class ActiveExpectationExists(Problem):
    """The member already has an active expectation"""

    type = "active-expectation-exists"
    status = 409


class MemberNotYetKnown(Problem):
    """The member or team is so new that it has not arrived here yet"""

    type = "member-not-yet-known"
    status = 503

    def __init__(self) -> None:
        super().__init__("Try again in a moment", headers={"retry-after": "1"})


class EstimateInPast(Problem):
    """The estimated completion is not in the future"""

    type = "estimate-in-past"
    status = 422

    def __init__(self) -> None:
        errors = [{"pointer": "/estimated_completion", "expected": "a time in the future"}]
        super().__init__("Choose a time that is still to come", errors=errors)


class ExpectationNotFound(Problem):
    """There is no such expectation in the team"""

    type = "not-found"
    status = 404

    def __init__(self) -> None:
        super().__init__("Look it up in the list")


class NotTheOwner(Problem):
    """Only the owner or an admin of the team changes an expectation"""

    type = "not-the-owner"
    status = 403

    def __init__(self) -> None:
        super().__init__("Ask the owner, or an admin of the team")


def view(row: asyncpg.Record) -> Expectation:
    """A row of COLUMNS as clients see it."""
    expectation = dict(row)
    user = {"id": row["user_id"], "name": expectation.pop("name"), "avatar_url": expectation.pop("avatar_url")}
    return expectation | {"user": user}


async def publish(database: Database, member: Member, new: NewExpectation) -> Expectation:
    """Make `new` the member's one active expectation; the change capture tells the world."""
    try:
        async with database.acting_as(member) as connection:
            # The partial unique index decides, not a SELECT: two requests may arrive together.
            row = await connection.fetchrow(
                f"""
                with e as (
                    insert into expectations (team_id, user_id, title, estimated_completion) values ($1, $2, $3, $4)
                    on conflict (team_id, user_id) where not is_done do nothing
                    returning *
                )
                select {COLUMNS} from e join users u on u.id = e.user_id
                """,  # noqa: S608
                member.team_id,
                member.id,
                new.title,
                new.estimated_completion,
            )
            if row is None:
                raise ActiveExpectationExists("Finish it before publishing another")
    except asyncpg.ForeignKeyViolationError as error:
        raise MemberNotYetKnown from error
    except asyncpg.CheckViolationError as error:
        if violated(error) == "estimated_completion_in_future":
            raise EstimateInPast from error
        raise
    return view(row)


async def complete(database: Database, member: Member, expectation_id: UUID) -> Expectation:
    """Make the expectation history. Done again, it changes nothing and answers the same."""
    async with database.acting_as(member) as connection:
        done = await connection.fetchval(
            "update expectations set is_done = true, done_at = now() where id = $1 and not is_done returning id",
            expectation_id,
        )
        expectation = await _read(connection, expectation_id)
        if done is None and not expectation["is_done"]:
            raise NotTheOwner
    return expectation


async def _read(connection: Connection, expectation_id: UUID) -> Expectation:
    row = await connection.fetchrow(
        f"select {COLUMNS} from expectations e join users u on u.id = e.user_id where e.id = $1",  # noqa: S608
        expectation_id,
    )
    if row is None:
        raise ExpectationNotFound
    return view(row)


async def active(database: Database, member: Member) -> list[Expectation]:
    """The team's active expectations, newest first."""
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(
            f"""
            select {COLUMNS} from expectations e join users u on u.id = e.user_id
            where e.team_id = $1 and not e.is_done order by e.created_at desc, e.id desc limit 100
            """,  # noqa: S608
            member.team_id,
        )
    return [view(row) for row in rows]
