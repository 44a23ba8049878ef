"""A member is told once, in time, only what is true, and only when they want to be told."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from rte_common.database import Database
from rte_common.tables import Expectation, Membership, Notification, User
from rte_devstack import testing
from rte_jobs.reminders import remind, remind_all
from rte_jobs.upkeep import prune

from .conftest import Add

NOON = datetime(2100, 3, 3, 12, tzinfo=UTC)
"""A Wednesday, far enough ahead: the database takes only estimates that are still to come."""
MINUTE = timedelta(minutes=1)
TOLD = "select title, kind from notifications order by title, kind desc"


@pytest.fixture
async def active(add: Add) -> UUID:
    """Anna's expectation for NOON, in the default team; she lives in UTC."""
    id_ = uuid4()
    await add(
        User(id="anna", name="Anna"),
        Membership(team_id="default", user_id="anna", role="member"),
        Expectation(id=id_, team_id="default", user_id="anna", title="Report", estimated_completion=NOON),
    )
    return id_


async def reminded(db: Database, now: datetime, expectation_id: UUID | None = None) -> int:
    async with db.as_service() as connection:
        return await (remind(connection, now, [expectation_id]) if expectation_id else remind_all(connection, now))


async def test_each_reminder_comes_once_at_its_minute(active: UUID, db: Database, postgres: testing.Database) -> None:
    counts = [await reminded(db, NOON + minutes * MINUTE) for minutes in (-31, -30, -29, -1, 0, 1, 60 * 24)]

    assert counts == [0, 1, 0, 0, 1, 0, 0]
    assert postgres.execute(TOLD).splitlines() == ["Report|overdue", "Report|due-soon"]
    told = postgres.execute("select distinct expectation_id, user_id, team_id from notifications")
    assert told == f"{active}|anna|default"


async def test_many_that_look_at_once_tell_once(active: UUID, db: Database, postgres: testing.Database) -> None:
    ids = [None, active] * 4
    counts = await asyncio.gather(*(reminded(db, NOON - MINUTE, expectation_id) for expectation_id in ids))

    assert sum(counts) == 1
    assert postgres.execute("select count(*) from outbox where subject like 'rte.events.notification.%'") == "1"


@pytest.mark.usefixtures("active")
async def test_what_was_missed_is_told_late_if_it_is_still_true(db: Database, postgres: testing.Database) -> None:
    assert await reminded(db, NOON + timedelta(days=9)) == 1
    assert postgres.execute(TOLD) == "Report|overdue"


async def test_what_is_due_at_the_end_of_the_calendar_harms_nobody(
    active: UUID, db: Database, postgres: testing.Database
) -> None:
    postgres.execute("update users set timezone = 'Pacific/Kiritimati'")
    postgres.execute("update expectations set estimated_completion = '9999-12-31 23:59Z'")

    assert [await reminded(db, NOON, expectation_id) for expectation_id in (None, active)] == [0, 0]


CHANGES = {
    "completed": "update expectations set is_done = true, done_at = now()",
    "moved": "update expectations set estimated_completion = '2100-03-04 12:00Z'",
    "without an estimate now": "update expectations set estimated_completion = null",
    "withdrawn": "delete from expectations",
}


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize("change", CHANGES)
async def test_what_has_changed_meanwhile_is_not_told(db: Database, postgres: testing.Database, change: str) -> None:
    postgres.execute(CHANGES[change])

    assert await reminded(db, NOON + MINUTE) == 0


@pytest.mark.parametrize("in_a_sweep", [False, True])
async def test_a_reminder_waits_for_a_completion_that_is_under_way_and_then_is_not_told(
    active: UUID, db: Database, postgres: testing.Database, in_a_sweep: bool
) -> None:
    completing = await asyncpg.connect(postgres.url())
    try:
        transaction = completing.transaction()
        await transaction.start()
        await completing.execute(CHANGES["completed"])
        reminding = asyncio.create_task(reminded(db, NOON + MINUTE, None if in_a_sweep else active))
        await waits_for_a_lock(postgres)
        await transaction.commit()
        assert await reminding == 0
    finally:
        await completing.close()

    assert postgres.execute(TOLD) == ""


@pytest.mark.usefixtures("active")
async def test_a_completion_waits_for_a_reminder_that_is_under_way(db: Database, postgres: testing.Database) -> None:
    async with db.as_service() as connection:
        assert await remind_all(connection, NOON + MINUTE) == 1
        completing = asyncio.create_task(asyncio.to_thread(postgres.execute, CHANGES["completed"]))
        await waits_for_a_lock(postgres)
    await completing

    assert postgres.execute(TOLD) == "Report|overdue"
    verbs = postgres.execute(
        "select split_part(subject, '.', 4) from outbox where payload->>'user_id' = 'anna' order by id"
    )
    assert verbs.splitlines()[-2:] == ["created", "completed"]


async def waits_for_a_lock(postgres: testing.Database) -> None:
    """Return when a statement waits for a row that somebody else is changing."""
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(20):
        while await asyncio.to_thread(postgres.execute, waiting) == "0":
            await asyncio.sleep(0.01)


async def test_who_publishes_what_is_due_in_a_moment_is_not_warned_of_it(
    db: Database, add: Add, postgres: testing.Database
) -> None:
    created = NOON - timedelta(minutes=20)
    await add(
        User(id="anna", name="Anna"),
        Membership(team_id="default", user_id="anna", role="member"),
        Expectation(team_id="default", user_id="anna", title="Call", estimated_completion=NOON, created_at=created),
    )
    assert [await reminded(db, created), await reminded(db, NOON)] == [0, 1]
    assert postgres.execute(TOLD) == "Call|overdue"


SETTINGS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    # who lives where, with which settings, and what comes when, by UTC: the estimate is Wednesday noon
    ("UTC", {"reminders": False}, {}),
    ("UTC", {"remind_before_minutes": None}, {"2100-03-03T12:00": "overdue"}),
    ("UTC", {"remind_before_minutes": 1440}, {"2100-03-02T12:00": "due-soon", "2100-03-03T12:00": "overdue"}),
    (
        "UTC",
        {"quiet_start": "11:00", "quiet_end": "11:50"},
        {"2100-03-03T11:50": "due-soon", "2100-03-03T12:00": "overdue"},
    ),
    ("UTC", {"quiet_start": "11:00", "quiet_end": "12:00"}, {"2100-03-03T12:00": "overdue"}),
    ("UTC", {"quiet_start": "11:00", "quiet_end": "08:00"}, {"2100-03-04T08:00": "overdue"}),
    ("UTC", {"days": ["mon"]}, {"2100-03-08T00:00": "overdue"}),
    ("UTC", {"days": ["mon"], "quiet_start": "22:00", "quiet_end": "08:30"}, {"2100-03-08T08:30": "overdue"}),
    ("Asia/Tokyo", {"quiet_start": "20:00", "quiet_end": "08:00"}, {"2100-03-03T23:00": "overdue"}),
    ("Asia/Kolkata", {"days": ["thu"]}, {"2100-03-03T18:30": "overdue"}),
    ("Mars/Base", {}, {"2100-03-03T11:30": "due-soon", "2100-03-03T12:00": "overdue"}),
]


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize(("timezone", "wants", "expected"), SETTINGS)
async def test_reminders_come_as_the_member_wants_them(
    db: Database,
    postgres: testing.Database,
    timezone: str,
    wants: dict[str, Any],
    expected: dict[str, str],
) -> None:
    postgres.execute(f"update users set timezone = '{timezone}'")
    columns = "".join(f", {name}" for name in wants)
    values = "".join(f", {sql(value)}" for value in wants.values())
    postgres.execute(f"insert into notification_settings (user_id{columns}) values ('anna'{values})")
    came = {}
    for quarters in range(-4 * 25, 4 * 24 * 7):
        for now in (NOON + quarters * 15 * MINUTE, NOON + (quarters * 15 + 5) * MINUTE):
            if await reminded(db, now):
                came[now.strftime("%Y-%m-%dT%H:%M")] = postgres.execute(
                    "select kind from notifications order by created_at desc limit 1"
                )

    assert came == expected


def sql(value: Any) -> str:
    if isinstance(value, list):
        return "'{" + ",".join(value) + "}'"
    return "null" if value is None else f"'{value}'"


async def test_old_notifications_go_unless_they_would_be_told_again(
    active: UUID, db: Database, add: Add, postgres: testing.Database
) -> None:
    old = datetime.now(UTC) - timedelta(days=91)
    told: dict[str, Any] = {"team_id": "default", "user_id": "anna", "kind": "overdue"}
    await add(
        Notification(title="active still", expectation_id=active, created_at=old, **told),
        Notification(title="withdrawn long ago", created_at=old, **told),
        Notification(title="lately", **told),
    )
    async with db.as_service() as connection:
        assert await prune(connection, datetime.now(UTC)) == 1

    assert postgres.execute("select title from notifications order by 1").splitlines() == ["active still", "lately"]
