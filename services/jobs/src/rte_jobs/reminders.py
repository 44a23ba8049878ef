"""Reminders: due soon, overdue, nothing set today. Rows only: the event of each row is what members hear.

The table's unique constraints say once; locked rows say that it is still true when it is told.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rte_common.database import Connection
from rte_jobs.availability import Availability

MAX_BEFORE = timedelta(days=1)
"""Nobody is reminded longer before: a check of notification_settings."""
NOTHING_SET_LATE = timedelta(hours=2)
"""How late "nothing set" may be told when jobs was away: later on, the day has found its own way."""

OPEN = """
    select e.id, e.team_id, e.user_id, e.title, e.estimated_completion, e.created_at,
        s.timezone, s.quiet_start, s.quiet_end, s.days, s.remind_before_minutes,
        array(select n.kind from notifications n where n.expectation_id = e.id and n.user_id = e.user_id) as told
    from expectations e
        join memberships m on m.team_id = e.team_id and m.user_id = e.user_id
        join rte.member_settings s on s.user_id = e.user_id
    where not e.is_done and s.reminders
"""
"""Active expectations of who wants reminders."""
SOON = f"{OPEN} and e.estimated_completion <= $1"
# A change of one that is under way is waited for, and then it is judged anew; a change that comes later waits.
LOCKED = f"{SOON} and e.id = any($2::uuid[]) for share of e"
NOTHING_SET = """
    select m.team_id, m.user_id, m.created_at as joined_at,
        s.timezone, s.quiet_start, s.quiet_end, s.days, s.nothing_set_at,
        (
            select max(e.done_at) from expectations e
            where e.team_id = m.team_id and e.user_id = m.user_id and e.is_done and e.archived_at is null
        ) as last_done_at
    from memberships m join rte.member_settings s on s.user_id = m.user_id
    where s.reminders and s.nothing_set_at is not null and not exists (
        select from expectations e where e.team_id = m.team_id and e.user_id = m.user_id and not e.is_done
    )
"""
TELL = """
    insert into notifications (team_id, user_id, kind, expectation_id, title, estimated_completion, day)
    select * from
        unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::date[])
    on conflict do nothing
"""


def pending(expectation: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, datetime]]:
    """What is still to be told of a row of OPEN that has an estimate, and from when on; maybe since before `now`."""
    estimate, before = expectation["estimated_completion"], expectation["remind_before_minutes"]
    member = Availability.of(expectation)
    if before is not None and "due-soon" not in expectation["told"]:
        wanted = estimate - timedelta(minutes=before)
        at = member.first_from(wanted)
        # Who publishes something that is due in a moment knows it.
        if wanted > expectation["created_at"] and max(at, now) < estimate:
            yield "due-soon", at
    if "overdue" not in expectation["told"]:
        yield "overdue", member.first_from(estimate)


async def remind(connection: Connection, now: datetime, expectation_ids: list[UUID]) -> int:
    """Tell what is due of these expectations; returns how many notifications were written."""
    rows = [dict(row) for row in await connection.fetch(LOCKED, now + MAX_BEFORE, expectation_ids)]
    return await _tell(
        connection,
        [row | {"kind": kind, "day": None} for row in rows for kind, at in pending(row, now) if at <= now],
    )


async def remind_all(connection: Connection, now: datetime) -> int:
    """Tell what is due of any expectation; only of those that seem to be due the row is locked."""
    rows = [dict(row) for row in await connection.fetch(SOON, now + MAX_BEFORE)]
    return await remind(connection, now, [row["id"] for row in rows if any(at <= now for _, at in pending(row, now))])


async def remind_of_nothing_set(connection: Connection, now: datetime) -> int:
    """Tell who has set nothing on a working day of theirs, at their time; returns how many were told."""
    of_nothing = {"kind": "nothing-set", "id": None, "title": None, "estimated_completion": None}
    rows = [dict(row) for row in await connection.fetch(NOTHING_SET)]
    return await _tell(
        connection,
        [row | of_nothing | {"day": Availability.of(row).today(now)} for row in rows if _nothing_set(row, now)],
    )


def _nothing_set(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether the member of a row of NOTHING_SET is to be told now."""
    member = Availability.of(row)
    today = member.today(now)
    at = member.first_from(member.at(today, row["nothing_set_at"]))
    done_today = row["last_done_at"] is not None and member.today(row["last_done_at"]) == today
    joined_before: bool = row["joined_at"] < at
    return at <= now < at + NOTHING_SET_LATE and joined_before and not done_today


async def _tell(connection: Connection, told: list[dict[str, Any]]) -> int:
    """Write the notifications that were not written before, in one statement; returns how many."""
    columns = ("team_id", "user_id", "kind", "id", "title", "estimated_completion", "day")
    status = await connection.execute(TELL, *([row[name] for row in told] for name in columns))
    return int(status.rpartition(" ")[2])


async def sweep(connection: Connection, slot: datetime) -> int:
    """Tell everybody what is due now, not what was at `slot`: a firing may have waited while jobs was away."""
    now = datetime.now(UTC)
    return await remind_all(connection, now) + await remind_of_nothing_set(connection, now)
