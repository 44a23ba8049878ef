"""Reports, in SQL that runs as the member: the table's policy shows the team's only."""

from datetime import date
from typing import Any
from uuid import UUID

from rte_common.auth import Member
from rte_common.database import Database
from rte_common.problems import Problem

COLUMNS = "id::text as id, starts_on, ends_on, created_at"


class ReportNotFound(Problem):
    """The team has no such report"""

    type = "not-found"

    def __init__(self) -> None:
        super().__init__("The team has no report with this id: look it up in GET /api/v1/reports")


async def page(database: Database, member: Member, limit: int, before: date | None) -> dict[str, Any]:
    """A page of the team's reports, newest first: weeks that start `before` that day."""
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(
            f"select {COLUMNS} from reports where team_id = $1 and starts_on < coalesce($2::date, 'infinity')"  # noqa: S608
            " order by starts_on desc limit $3",
            member.team_id,
            before,
            limit + 1,
        )
    shown = [dict(row) for row in rows[:limit]]
    return {"items": shown, "next_cursor": shown[-1]["starts_on"] if len(rows) > limit else None}


async def read(database: Database, member: Member, report_id: UUID) -> dict[str, Any]:
    """One report with its figures."""
    async with database.acting_as(member, read_only=True) as connection:
        row = await connection.fetchrow(f"select {COLUMNS}, figures from reports where id = $1", report_id)  # noqa: S608
    if row is None:
        raise ReportNotFound
    return dict(row)
