"""A reminder comes at its moment, after a move or a restart too, and once with any number of replicas."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import orjson
import pytest

from rte_common.database import Database
from rte_common.jetstream import Broker
from rte_devstack import testing
from rte_devstack.program import Program, answers, executable
from rte_devstack.serving import ready, serving
from rte_jobs.main import create_app
from rte_jobs.reminder_schedule import ReminderSchedule
from rte_jobs.settings import Settings

ANNA = """
insert into users (id, name) values ('anna', 'Anna');
insert into memberships (team_id, user_id, role, created_at) values ('default', 'anna', 'member', now());
insert into notification_settings (user_id, days) values ('anna', '{mon,tue,wed,thu,fri,sat,sun}');
delete from outbox;
"""
TOLD = "rte.events.notification.created.>"
THIRTY = """
insert into users (id, name) select 'user_' || n, 'User' from generate_series(1, 30) n;
insert into memberships (team_id, user_id, role) select 'default', id, 'member' from users;
insert into notification_settings (user_id, days, nothing_set_at, remind_before_minutes)
    select id, '{mon,tue,wed,thu,fri,sat,sun}', null, null from users;
delete from outbox;
insert into expectations (team_id, user_id, title, estimated_completion)
    select 'default', id, 'Report', clock_timestamp() + interval '2 s' + interval '0.1 s' * row_number() over ()
    from users;
"""


@asynccontextmanager
async def jobs(settings: Settings) -> AsyncIterator[None]:
    async with serving(create_app(settings)) as url:
        await ready(url)
        yield


def publish(postgres: testing.Database, due: str, before: str = "") -> str:
    """Make an expectation of Anna's that is due at an SQL time and was published two days ago; its id."""
    return postgres.execute(
        f"{before} insert into expectations (team_id, user_id, title, estimated_completion, created_at)"
        f" values ('default', 'anna', 'Report', {due}, now() - interval '2 days') returning id"
    )


async def planned(broker: Broker) -> dict[str, str]:
    """When the broker is to fire for which expectation."""
    stream = await broker.jetstream.stream_info("JOBS", subjects_filter="rte.schedule.expectation.>")
    found = {}
    for subject in stream.state.subjects or {}:
        message = await broker.jetstream.get_last_msg("JOBS", subject)
        found[subject.rpartition(".")[2]] = (message.headers or {})["Nats-Schedule"].removeprefix("@at ")
    return found


async def becomes(broker: Broker, expected: dict[str, datetime]) -> None:
    wanted = {name: at.isoformat() for name, at in expected.items()}
    async with asyncio.timeout(20):
        while await planned(broker) != wanted:
            await asyncio.sleep(0.05)


async def test_the_schedule_follows_the_expectation(
    postgres: testing.Database, settings: Settings, broker: Broker
) -> None:
    postgres.execute(ANNA)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with jobs(settings):
        id_ = publish(postgres, f"'{tomorrow}'")
        await becomes(broker, {id_: tomorrow - timedelta(minutes=30)})
        later = tomorrow + timedelta(hours=1)
        postgres.execute(f"update expectations set estimated_completion = '{later}'")
        await becomes(broker, {id_: later - timedelta(minutes=30)})
        far = datetime(9999, 12, 31, 23, tzinfo=UTC)
        postgres.execute(f"update expectations set estimated_completion = '{far}'")
        look_again = datetime.combine(datetime.now(UTC) + timedelta(days=29), datetime.min.time(), UTC)
        await becomes(broker, {id_: look_again})
        postgres.execute("update expectations set is_done = true, done_at = now()")
        await becomes(broker, {})
        other = publish(postgres, f"'{tomorrow}'")
        await becomes(broker, {other: tomorrow - timedelta(minutes=30)})
        postgres.execute("delete from expectations where not is_done")
        await becomes(broker, {})


async def test_both_reminders_come_at_their_moment_and_are_told_as_events(
    postgres: testing.Database, settings: Settings, broker: Broker
) -> None:
    postgres.execute(ANNA + "update notification_settings set remind_before_minutes = 1440")
    told = await broker.jetstream.subscribe(TOLD, ordered_consumer=True)
    async with jobs(settings):
        # Its warning is due at once, what is overdue two seconds later.
        id_ = publish(postgres, "now() + interval '2 seconds'")
        events = [orjson.loads((await told.next_msg(timeout=20)).data) for _ in range(2)]
        await becomes(broker, {})
    await told.unsubscribe()

    assert [event["record"]["kind"] for event in events] == ["due-soon", "overdue"]
    assert {event["record"]["expectation_id"] for event in events} == {id_}
    late = "select extract(epoch from created_at - estimated_completion) from notifications where kind = 'overdue'"
    assert float(postgres.execute(late)) >= 0


async def test_what_became_due_while_jobs_was_away_is_told_at_the_start(
    postgres: testing.Database, settings: Settings, broker: Broker
) -> None:
    # Without triggers no event leads to it: the sweep must find it.
    postgres.execute(ANNA)
    publish(postgres, "now() - interval '1 hour'", before="set session_replication_role = replica;")
    told = await broker.jetstream.subscribe(TOLD, ordered_consumer=True)
    async with jobs(settings):
        event = orjson.loads((await told.next_msg(timeout=20)).data)
    await told.unsubscribe()

    assert event["record"]["kind"] == "overdue"


async def test_who_is_overtaken_while_planning_leaves_what_is_true(
    postgres: testing.Database, db: Database, broker: Broker
) -> None:
    postgres.execute(ANNA)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = tomorrow + timedelta(hours=1)
    id_ = UUID(publish(postgres, f"'{tomorrow}'"))
    overtaken = asyncio.Event()

    class SlowBroker:
        """The broker over a network that is slow at first."""

        jetstream = property(lambda self: self)

        async def publish(self, *arguments: Any, **options: Any) -> None:
            reached.set()
            await overtaken.wait()
            await broker.jetstream.publish(*arguments, **options)

    reached = asyncio.Event()
    slow = asyncio.create_task(ReminderSchedule(db, cast("Broker", SlowBroker())).plan(id_))
    await reached.wait()
    postgres.execute(f"update expectations set estimated_completion = '{later}'")
    await ReminderSchedule(db, broker).plan(id_)
    overtaken.set()
    await slow

    assert await planned(broker) == {str(id_): (later - timedelta(minutes=30)).isoformat()}


async def counts(postgres: testing.Database, table: str, rows: int, *, exactly: bool = False) -> None:
    """Return when the table has so many rows, or more."""
    async with asyncio.timeout(100):
        while (count := int(await asyncio.to_thread(postgres.execute, f"select count(*) from {table}"))) != rows:
            if count > rows and not exactly:
                return
            await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
async def test_three_replicas_of_which_one_is_killed_tell_everything_once(
    postgres: testing.Database,
    settings: Settings,
    broker: Broker,
    reserve_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    environment = {
        "DATABASE_URL": postgres.url("rte_jobs"),
        "NATS_URL": ",".join(settings.nats_url),
        "SUPABASE_URL": str(settings.supabase_url),
        "SUPABASE_SERVICE_KEY": "service",
    }

    def replica(number: int) -> Program:
        port = reserve_port()
        return Program(
            f"jobs {number}",
            [executable("rte-jobs", "the workspace's rte-jobs")],
            log=tmp_path / f"jobs-{number}.log",
            ready=answers(f"http://127.0.0.1:{port}/ready"),
            environment=environment | {"PORT": str(port), "METRICS_PORT": str(reserve_port())},
        )

    with ExitStack() as running:
        replicas = [running.enter_context(replica(number)) for number in range(3)]
        postgres.execute(THIRTY)
        await counts(postgres, "notifications", 10)
        replicas[0].kill()
        # What the killed one was given comes again when its time to acknowledge is over.
        await counts(postgres, "notifications", 30)
        await counts(postgres, "outbox", 0, exactly=True)

    stream = await broker.jetstream.stream_info("EVENTS", subjects_filter=TOLD)
    assert sorted((stream.state.subjects or {}).values()) == [1] * 30
    assert postgres.execute("select distinct kind from notifications") == "overdue"
