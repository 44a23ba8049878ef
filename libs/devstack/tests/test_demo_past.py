"""The demo team's past looks like a team's weeks, says no news, and has its reports."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest

from rte_devstack import demo, demo_past
from rte_devstack.demo_past import Worker, finished
from rte_devstack.testing import Database

FRIDAY_EVENING = datetime(2026, 11, 27, 18, tzinfo=UTC)
WORKERS = [Worker("default", member.id, member.work) for member in demo.MEMBERS if member.organization is demo.KESTREL]


@pytest.fixture
def team(postgres: Database) -> Database:
    """The team whose past it is."""
    for worker in WORKERS:
        postgres.execute(f"insert into users (id, name) values ('{worker.user_id}', 'Somebody')")
    postgres.execute("delete from outbox")
    return postgres


@pytest.mark.parametrize("worker", WORKERS, ids=[worker.user_id for worker in WORKERS])
def test_a_member_does_one_thing_after_the_other_in_working_hours(worker: Worker) -> None:
    rows = list(finished(worker, FRIDAY_EVENING))
    late = [row for row in rows if row.estimated_completion and row.done_at > row.estimated_completion]

    assert [row.done_at for row in rows] == sorted(row.done_at for row in rows)
    assert all(before.done_at < after.created_at for before, after in pairwise(rows))
    assert {row.created_at.weekday() for row in rows} == {0, 1, 2, 3, 4}
    assert all(row.created_at.hour >= 8 and row.done_at.hour < 18 for row in rows)
    assert 0.1 < len(late) / len(rows) < 0.4
    assert any(row.estimated_completion is None for row in rows)
    week = [row.title for row in rows if row.done_at > FRIDAY_EVENING - timedelta(days=7)]
    assert len(week) == len({*week}) > 5


def test_what_is_old_enough_is_archived_and_nothing_else() -> None:
    rows = [row for worker in WORKERS for row in finished(worker, FRIDAY_EVENING)]

    assert {row.archived_at is not None for row in rows} == {True, False}
    for row in rows:
        assert (row.archived_at is not None) is (row.done_at < FRIDAY_EVENING - timedelta(days=91))
        assert row.archived_at is None or row.archived_at <= FRIDAY_EVENING


def test_the_same_days_have_the_same_past_whenever_the_stack_is_started() -> None:
    noon = FRIDAY_EVENING - timedelta(hours=6)
    evening = [row for row in finished(WORKERS[0], FRIDAY_EVENING) if row.done_at < noon - demo_past.MARGIN]

    assert evening == list(finished(WORKERS[0], noon))


@pytest.mark.parametrize("hours", range(0, 24 * 7, 5))
def test_nothing_was_finished_in_the_future_or_could_still_be_reopened(hours: int) -> None:
    now = FRIDAY_EVENING + timedelta(hours=hours)

    assert max(row.done_at for row in finished(WORKERS[0], now)) < now - timedelta(seconds=60)


async def test_the_past_is_no_news_and_what_follows_is(team: Database) -> None:
    before = await demo_past.exists(team.url(), {"default"})
    await demo_past.write(team.url(), WORKERS, FRIDAY_EVENING)
    after = await demo_past.exists(team.url(), {"default"})

    assert (before, after) == (False, True)
    assert team.execute("select count(*) from outbox") == "0"
    team.execute(f"insert into expectations (team_id, user_id, title) values ('default', '{demo.DAVID.id}', 'Now')")
    assert team.execute("select payload->>'type' from outbox") == "expectation.created.v1"


async def test_the_rules_of_the_tables_hold_for_the_past_too(team: Database) -> None:
    stranger = Worker("default", "user_nobody", demo.ALEX.work)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await demo_past.write(team.url(), [stranger], FRIDAY_EVENING)
    enabled = team.execute("select distinct tgenabled from pg_trigger where tgname = 'capture_change'")
    assert enabled == "O"


async def test_each_of_its_weeks_has_a_report_that_says_what_the_rows_say(team: Database) -> None:
    await demo_past.write(team.url(), WORKERS, FRIDAY_EVENING)

    reported = team.execute(
        "select starts_on, figures->>'completed', created_at at time zone 'UTC' from reports order by 1"
    ).splitlines()
    counted = team.execute(
        "select week::date, count(*), week::date + interval '7 d 9 h'"
        " from (select date_trunc('week', done_at) as week from expectations where done_at < '2026-11-23') as done"
        " group by week order by 1"
    ).splitlines()
    assert reported == counted
    assert len(reported) >= demo_past.WEEKS + 4


async def test_a_report_that_jobs_has_made_stays(team: Database) -> None:
    team.execute(
        "insert into reports (team_id, starts_on, ends_on, figures) values"
        " ('default', '2026-11-16', '2026-11-22', '{}')"
    )
    await demo_past.write(team.url(), WORKERS, FRIDAY_EVENING)

    assert team.execute("select figures from reports where starts_on = '2026-11-16'") == "{}"
