"""Notifications, in SQL that runs as the member: the table's policies show and change each only their own."""

from typing import Any
from uuid import UUID

from rte_api import pagination
from rte_common.auth import Member
from rte_common.database import Connection, Database
from rte_common.problems import Problem

COLUMNS = (
    "id::text as id, kind, expectation_id::text as expectation_id, title, estimated_completion, created_at, read_at"
)
PAGE = f"""
    select {COLUMNS} from notifications where team_id = $1 and user_id = $2
    and ($3 is not true or read_at is null) and ($3 is not false or read_at is not null)
    and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
    order by created_at desc, notifications.id desc limit $6
"""  # noqa: S608


class NotificationNotFound(Problem):
    """The member has no such notification"""

    type = "not-found"

    def __init__(self) -> None:
        super().__init__("You have no notification with this id: look it up in GET /api/v1/notifications")


async def page(
    database: Database, member: Member, limit: int, cursor: str | None, unread: bool | None
) -> dict[str, Any]:
    """A page of the member's notifications, newest first, and how many they have not read."""
    at, after = pagination.decode(cursor) if cursor else (None, None)
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(PAGE, member.team_id, member.id, unread, at, after, limit + 1)
        count = await _unread(connection, member)
    return pagination.page([dict(row) for row in rows], limit, "created_at") | {"unread": count}


async def mark_read(database: Database, member: Member, notification_id: UUID) -> dict[str, Any]:
    """Mark one as read; marked before, it keeps its time."""
    async with database.acting_as(member) as connection:
        row = await connection.fetchrow(
            "update notifications set read_at = coalesce(read_at, now())"  # noqa: S608
            f" where id = $1 and team_id = $2 and user_id = $3 returning {COLUMNS}",
            notification_id,
            member.team_id,
            member.id,
        )
    if row is None:
        raise NotificationNotFound
    return dict(row)


async def mark_all_read(database: Database, member: Member) -> dict[str, int]:
    """Mark all that there are; returns how many are unread now, because more may have come meanwhile."""
    async with database.acting_as(member) as connection:
        await connection.execute(
            "update notifications set read_at = now() where team_id = $1 and user_id = $2 and read_at is null",
            member.team_id,
            member.id,
        )
        return {"unread": await _unread(connection, member)}


async def _unread(connection: Connection, member: Member) -> int:
    count: int = await connection.fetchval(
        "select count(*) from notifications where team_id = $1 and user_id = $2 and read_at is null",
        member.team_id,
        member.id,
    )
    return count
