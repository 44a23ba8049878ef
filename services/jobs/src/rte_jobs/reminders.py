"""Reminders: due soon, overdue, nothing set today. Rows only: the event of each row is what members hear.

The table's unique constraints say once; locked rows say that it is still true when it is told.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import Insert, insert

from rte_common.database import Connection
from rte_common.tables import Notification
from rte_jobs.availability import Availability
from rte_jobs.statements import execute

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
# A change of an expectation that is under way is waited for, and then it is judged anew; one that comes later waits.
DUE = f"{OPEN} and e.estimated_completion <= $1 and ($2::uuid is null or e.id = $2) for share of e"
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


async def remind(connection: Connection, now: datetime, expectation_id: UUID | None = None) -> int:
    """Tell what is due of one expectation, or of all; returns how many notifications were written."""
    rows = [dict(row) for row in await connection.fetch(DUE, now + MAX_BEFORE, expectation_id)]
    due = [(row, kind) for row in rows for kind, at in pending(row, now) if at <= now]
    return sum([await execute(connection, _told(row, kind)) for row, kind in due])


def _told(expectation: Mapping[str, Any], kind: str) -> Insert:
    subject = {name: expectation[name] for name in ("team_id", "user_id", "title", "estimated_completion")}
    told = insert(Notification).values(kind=kind, expectation_id=expectation["id"], **subject)
    return told.on_conflict_do_nothing(constraint="told_once_of_an_expectation")


async def remind_of_nothing_set(connection: Connection, now: datetime) -> int:
    """Tell who has set nothing on a working day of theirs, at their time; returns how many were told."""
    rows = [dict(row) for row in await connection.fetch(NOTHING_SET)]
    told = [
        insert(Notification)
        .values(team_id=row["team_id"], user_id=row["user_id"], kind="nothing-set", day=Availability.of(row).today(now))
        .on_conflict_do_nothing(constraint="told_once_a_day")
        for row in rows
        if _nothing_set(row, now)
    ]
    return sum([await execute(connection, notification) for notification in told])


def _nothing_set(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether the member of a row of NOTHING_SET is to be told now."""
    member = Availability.of(row)
    today = member.today(now)
    at = member.first_from(member.at(today, row["nothing_set_at"]))
    done_today = row["last_done_at"] is not None and member.today(row["last_done_at"]) == today
    joined_before: bool = row["joined_at"] < at
    return at <= now < at + NOTHING_SET_LATE and joined_before and not done_today


async def sweep(connection: Connection, slot: datetime) -> int:
    """Tell everybody what is due now, not what was at `slot`: a firing may have waited while jobs was away."""
    now = datetime.now(UTC)
    return await remind(connection, now) + await remind_of_nothing_set(connection, now)
