"""Lists of expectations: each kind with its order, which an index of the table has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query

from rte_api import pages
from rte_api.expectations.schemas import Status
from rte_api.inputs import PAGE_SIZE, Cursor, Instant, Limit, MemberId
from rte_common.auth import Member
from rte_common.database import Database

ITEM = """
    json_build_object(
        'id', e.id, 'team_id', e.team_id, 'user_id', e.user_id,
        'user', json_build_object('id', u.id, 'name', u.name, 'avatar_url', u.avatar_url),
        'title', e.title, 'estimated_completion', e.estimated_completion, 'is_done', e.is_done, 'done_at', e.done_at,
        'archived_at', e.archived_at, 'version', e.version, 'created_at', e.created_at, 'updated_at', e.updated_at
    )::text
"""
"""An ExpectationView as text: a page of fifty costs this process half as much as from columns."""
CONDITIONS = {
    Status.ACTIVE: "and not e.is_done",
    Status.COMPLETED: "and e.is_done and e.archived_at is null",
    Status.ALL: "",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which expectations a caller wants."""

    status: Annotated[Status, Query()] = Status.ACTIVE
    user_id: Annotated[MemberId | None, Query(description="Only those of this member")] = None
    from_: Annotated[Instant | None, Query(alias="from", description="Done (else created) at or after")] = None
    to: Annotated[Instant | None, Query(description="Done (else created) before")] = None
    limit: Limit = PAGE_SIZE
    cursor: Cursor = None

    @property
    def time(self) -> str:
        """The column that orders the list, newest first, and that the period is about."""
        return "done_at" if self.status is Status.COMPLETED else "created_at"


def statement(question: Question, member: Member) -> tuple[str, list[Any]]:
    """The SQL of a page and its arguments; it asks for one row more than the page holds."""
    time = question.time
    position: pages.Position | tuple[None, None] = pages.decode(question.cursor) if question.cursor else (None, None)
    arguments: list[Any] = [member.team_id, question.limit + 1]
    conditions = []

    def add(condition: str, *values: str | datetime | Any) -> None:
        numbers = [f"${len(arguments) + 1 + number}" for number in range(len(values))]
        arguments.extend(values)
        conditions.append(condition.format(*numbers))

    if question.user_id is not None:
        add("and e.user_id = {}", question.user_id)
    if question.from_ is not None:
        add(f"and e.{time} >= {{}}", question.from_)
    if question.to is not None:
        add(f"and e.{time} < {{}}", question.to)
    if position[0] is not None:
        add(f"and (e.{time}, e.id) < ({{}}, {{}})", *position)
    return (
        f"select e.id, e.{time} as at, {ITEM} as item from expectations e join users u on u.id = e.user_id"  # noqa: S608
        f" where e.team_id = $1 {CONDITIONS[question.status]} {' '.join(conditions)}"
        f" order by e.{time} desc, e.id desc limit $2",
        arguments,
    )


async def page(database: Database, member: Member, question: Question) -> dict[str, Any]:
    """A page of the team's expectations, for orjson to write."""
    sql, arguments = statement(question, member)
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(sql, *arguments)
    shown = rows[: question.limit]
    following = pages.encode((shown[-1]["at"], str(shown[-1]["id"]))) if len(rows) > len(shown) else None
    return {"items": [orjson.Fragment(row["item"]) for row in shown], "next_cursor": following}
