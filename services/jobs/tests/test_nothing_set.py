"""Who has set nothing is told once a working day, at their own time."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rte_common.database import Database
from rte_common.tables import Expectation, Membership, NotificationSettings, Team, User
from rte_devstack import testing
from rte_jobs.reminders import remind_of_nothing_set

from .conftest import Add

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TEN = datetime(2026, 11, 18, 10, tzinfo=UTC)
"""A Wednesday."""
TOLD = "select team_id, user_id, day from notifications where kind = 'nothing-set' order by 1, 2, 3"


async def told(db: Database, now: datetime) -> int:
    async with db.as_service() as connection:
        return await remind_of_nothing_set(connection, now)


@pytest.fixture
async def anna(add: Add) -> None:
    """Anna in the default team, with the default settings: at 10:00, from Monday to Friday, in UTC."""
    await add(
        User(id="anna", name="Anna"),
        Membership(team_id="default", user_id="anna", role="member", created_at=LONG_AGO),
    )


@pytest.mark.usefixtures("anna")
async def test_it_is_told_once_each_working_day_whoever_looks_and_how_often(
    db: Database, postgres: testing.Database
) -> None:
    came = []
    for quarters in range(-40, 4 * 24 * 7):
        now = TEN + timedelta(minutes=15 * quarters)
        if sum(await asyncio.gather(*(told(db, now) for _ in range(2)))):
            came.append(now)

    assert came == [TEN + timedelta(days=days) for days in (0, 1, 2, 5, 6)]
    days = [f"default|anna|{day.date()}" for day in came]
    assert postgres.execute(TOLD).splitlines() == days


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
@pytest.mark.usefixtures("anna")
async def test_it_comes_at_the_same_time_of_the_members_day_all_year(
    db: Database, add: Add, postgres: testing.Database, zone: str
) -> None:
    postgres.execute(f"update users set timezone = '{zone}'")
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    await add(NotificationSettings(user_id="anna", nothing_set_at=time(9, 45), days=week))
    spring_and_autumn = [
        datetime(2026, month, day, tzinfo=UTC) for month in (3, 4, 10, 11) for day in (1, 4, 5, 8, 24, 25, 29, 30)
    ]
    for day in spring_and_autumn:
        at = datetime.combine(day, time(9, 45), ZoneInfo(zone)).astimezone(UTC)
        assert [await told(db, at + timedelta(minutes=minutes)) for minutes in (-15, 0, 15)] == [0, 1, 0], day


@pytest.mark.parametrize(
    ("done_at", "expected"), [("2026-11-18T00:00Z", 0), ("2026-11-18T09:59Z", 0), ("2026-11-17T23:59Z", 1)]
)
@pytest.mark.usefixtures("anna")
async def test_who_has_done_something_today_has_set_something(
    db: Database, add: Add, done_at: str, expected: int
) -> None:
    done: dict[str, Any] = {"is_done": True, "done_at": datetime.fromisoformat(done_at), "created_at": LONG_AGO}
    await add(Expectation(team_id="default", user_id="anna", title="Done", **done))

    assert await told(db, TEN) == expected


@pytest.mark.usefixtures("anna")
async def test_who_is_on_something_is_not_told_and_each_team_counts_for_itself(
    db: Database, add: Add, postgres: testing.Database
) -> None:
    await add(
        Team(id="red", name="Red"),
        Membership(team_id="red", user_id="anna", role="member", created_at=LONG_AGO),
        Expectation(team_id="default", user_id="anna", title="Report"),
    )
    assert await told(db, TEN) == 1
    assert postgres.execute(TOLD) == "red|anna|2026-11-18"


@pytest.mark.parametrize("wish", [{"reminders": False}, {"nothing_set_at": None}, {"days": ["mon", "sun"]}])
@pytest.mark.usefixtures("anna")
async def test_who_does_not_want_it_is_not_told(db: Database, add: Add, wish: dict[str, Any]) -> None:
    await add(NotificationSettings(user_id="anna", **wish))

    assert [await told(db, TEN + timedelta(hours=hours)) for hours in range(14)] == [0] * 14


@pytest.mark.parametrize(
    ("quiet", "hour"), [((time(9), time(11)), 11), ((time(18), time(10)), 10), ((time(10), time(1)), None)]
)
@pytest.mark.usefixtures("anna")
async def test_in_quiet_hours_it_waits_for_their_end_and_not_for_another_day(
    db: Database, add: Add, quiet: tuple[time, time], hour: int | None
) -> None:
    await add(NotificationSettings(user_id="anna", quiet_start=quiet[0], quiet_end=quiet[1]))
    midnight = TEN.replace(hour=0)

    came = [hours for hours in range(24) if await told(db, midnight + timedelta(hours=hours))]
    assert came == ([] if hour is None else [hour])


@pytest.mark.usefixtures("anna")
async def test_when_jobs_was_away_it_is_told_late_but_not_hours_later(db: Database) -> None:
    assert await told(db, TEN + timedelta(hours=2)) == 0
    assert await told(db, TEN + timedelta(hours=1, minutes=59)) == 1


async def test_who_joined_a_moment_ago_is_left_in_peace(db: Database, add: Add) -> None:
    await add(User(id="ben", name="Ben"), Membership(team_id="default", user_id="ben", role="member", created_at=TEN))
    assert await told(db, TEN + timedelta(minutes=15)) == 0
    assert await told(db, TEN + timedelta(days=1)) == 1
