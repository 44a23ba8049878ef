"""The week's figures are right, for each team its own, once."""

from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from rte_common.database import Database
from rte_common.reports import Figures
from rte_common.tables import IdempotencyKey, JobRun, SessionRevocation, User
from rte_devstack import testing
from rte_jobs.reports import report, week_before
from rte_jobs.upkeep import prune

from .conftest import Add

MONDAY_MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = """
insert into teams (id, name) values ('red', 'Red'), ('idle', 'Idle');
insert into users (id, name) values ('anna', 'Anna'), ('ben', 'Ben'), ('cleo', 'Cleo');
insert into expectations (team_id, user_id, title, is_done, created_at, estimated_completion, done_at) values
    ('default', 'anna', 'two hours late', true, '2026-11-16 08:00Z', '2026-11-16 10:00Z', '2026-11-16 12:00Z'),
    ('default', 'anna', 'four hours early', true, '2026-11-17 08:00Z', '2026-11-17 16:00Z', '2026-11-17 12:00Z'),
    ('default', 'ben', 'one hour early', true, '2026-11-17 08:00Z', '2026-11-17 16:00Z', '2026-11-17 15:00Z'),
    ('default', 'ben', 'not estimated', true, '2026-11-17 08:00Z', null, '2026-11-22 23:59Z'),
    ('default', 'ben', 'the week before', true, '2026-11-10 08:00Z', null, '2026-11-15 23:59Z'),
    ('default', 'ben', 'this week', true, '2026-11-20 08:00Z', null, '2026-11-23 00:00Z'),
    ('red', 'cleo', 'another team', true, '2026-11-18 08:00Z', '2026-11-18 10:00Z', '2026-11-18 10:00Z');
"""


@pytest.mark.parametrize(
    ("moment", "timezone", "monday"),
    [
        ("2026-11-23T09:00:00Z", "UTC", "2026-11-16"),
        ("2026-11-22T23:59:59Z", "UTC", "2026-11-09"),
        ("2026-11-22T23:59:59Z", "Europe/Berlin", "2026-11-16"),
    ],
)
def test_the_week_is_the_last_one_that_has_ended_there(moment: str, timezone: str, monday: str) -> None:
    assert week_before(datetime.fromisoformat(moment), timezone)[0] == date.fromisoformat(monday)


@pytest.mark.parametrize(
    ("timezone", "first", "last"),
    [
        ("America/New_York", "2026-11-16 05:00Z", "2026-11-23 04:59:59Z"),
        ("Europe/Berlin", "2026-11-15 23:00Z", "2026-11-22 22:59:59Z"),
        ("Pacific/Kiritimati", "2026-11-15 10:00Z", "2026-11-22 09:59:59Z"),
    ],
)
async def test_the_week_begins_and_ends_at_midnight_of_its_time_zone(
    postgres: testing.Database, db: Database, timezone: str, first: str, last: str
) -> None:
    postgres.execute(
        f"""
        insert into users (id, name) values ('anna', 'Anna');
        insert into expectations (team_id, user_id, title, is_done, created_at, done_at)
            select 'default', 'anna', 'x', true, '2026-11-01Z', at::timestamptz from unnest(array[
                timestamptz '{first}' - interval '1 second', '{first}', '{last}', '{last}'::timestamptz + interval '1 s'
            ]) at;
        """
    )
    async with db.as_service() as connection:
        await report(connection, datetime(2026, 11, 23, 12, tzinfo=UTC), timezone=timezone)

    figures = Figures.model_validate(orjson.loads(postgres.execute("select figures::text from reports")))
    assert figures.days == [1, 0, 0, 0, 0, 0, 1]


async def test_each_team_that_did_something_gets_its_figures_once(postgres: testing.Database, db: Database) -> None:
    postgres.execute(WEEK)
    for _ in range(2):
        async with db.as_service() as connection:
            await report(connection, MONDAY_MORNING, timezone="UTC")

    written = postgres.execute("select team_id, starts_on, ends_on from reports order by 1").splitlines()
    figures = Figures.model_validate(
        orjson.loads(postgres.execute("select figures::text from reports where team_id = 'default'"))
    )
    assert written == ["default|2026-11-16|2026-11-22", "red|2026-11-16|2026-11-22"]
    assert (figures.completed, figures.estimated, figures.on_time) == (4, 3, 2)
    assert figures.on_time_share == pytest.approx(2 / 3)
    assert figures.median_error_hours == pytest.approx(-1)
    assert figures.days == [1, 2, 0, 0, 0, 0, 1]
    assert [(m.name, m.completed, m.on_time) for m in figures.members] == [("Anna", 2, 1), ("Ben", 2, 1)]


async def test_upkeep_takes_what_is_old_and_leaves_the_rest(postgres: testing.Database, db: Database, add: Add) -> None:
    now = datetime.now(UTC)
    await add(User(id="anna", name="Anna"))
    for name, hours, days in (("old", 2, 91), ("new", 0, 0)):
        await add(
            SessionRevocation(session_id=name, user_id="anna", created_at=now - timedelta(hours=hours)),
            JobRun(job="x", slot=now - timedelta(days=days)),
            IdempotencyKey(
                team_id="default", user_id="anna", key=name, request=b"", created_at=now - timedelta(days=days)
            ),
        )
    async with db.as_service() as connection:
        assert await prune(connection, now) == 3

    assert postgres.execute("select session_id from session_revocations") == "new"
    assert postgres.execute("select key from idempotency_keys") == "new"
