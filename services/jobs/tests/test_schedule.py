"""A slot is worked once, whoever fires it and however many replicas there are, and none is forgotten."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nats.js.errors import BadRequestError

from rte_common.database import Connection, Database
from rte_common.jetstream import Broker
from rte_devstack import testing
from rte_devstack.serving import ready, serving
from rte_jobs.main import create_app
from rte_jobs.schedule import Job, Schedule
from rte_jobs.settings import Settings

HISTORY = """
insert into users (id, name) values ('anna', 'Anna');
insert into expectations (team_id, user_id, title, is_done, created_at, done_at) values
    ('default', 'anna', 'long ago', true, now() - interval '120 days', now() - interval '91 days'),
    ('default', 'anna', 'lately', true, now() - interval '120 days', now() - interval '89 days');
insert into expectations (team_id, user_id, title) values ('default', 'anna', 'now');
delete from outbox;
"""


def job(cron: str, timezone: str = "UTC") -> Job:
    """A job that does nothing."""

    async def nothing(connection: Connection, slot: datetime) -> int:
        return 0

    return Job("test", cron, timezone, nothing)


@pytest.mark.parametrize(
    ("cron", "timezone", "now", "slot"),
    [
        ("0 0 0 * * *", "UTC", "2026-11-22T10:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 0 * * *", "UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 0 * * *", "UTC", "2026-11-21T23:59:59.999Z", "2026-11-21T00:00:00Z"),
        ("0 0 9 * * MON", "Europe/Berlin", "2026-11-22T10:00:00Z", "2026-11-16T08:00:00Z"),
        ("0 0 * * * *", "UTC", "2026-11-22T10:59:59Z", "2026-11-22T10:00:00Z"),
        ("0 0 9 * * *", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T07:00:00Z"),
    ],
)
def test_the_slot_is_the_latest_moment_of_the_schedule(cron: str, timezone: str, now: str, slot: str) -> None:
    assert job(cron, timezone).slot(datetime.fromisoformat(now)) == datetime.fromisoformat(slot)


async def test_many_replicas_fired_at_once_do_the_work_once(db: Database, broker: Broker) -> None:
    runs = 0

    async def count(connection: Connection, slot: datetime) -> int:
        nonlocal runs
        runs += 1
        return 1

    counted = Job("test", "0 0 * * * *", "UTC", count)
    replicas = [Schedule(db, broker, [counted]) for _ in range(5)]

    done = await asyncio.gather(*(replica.work(counted, datetime.now(UTC)) for replica in replicas))

    assert sorted(done) == [False, False, False, False, True]
    assert runs == 1


async def test_work_that_fails_gives_its_slot_back(db: Database, broker: Broker) -> None:
    async def fail(connection: Connection, slot: datetime) -> int:
        raise OSError("mail server away")

    failing = Job("test", "0 0 * * * *", "UTC", fail)
    with pytest.raises(OSError, match="mail server"):
        await Schedule(db, broker, []).work(failing, datetime.now(UTC))

    assert await Schedule(db, broker, []).work(job("0 0 * * * *"), datetime.now(UTC))


async def test_the_broker_fires_and_old_history_is_archived_once_by_two_replicas(
    postgres: testing.Database, settings: Settings, broker: Broker
) -> None:
    # No firing of this schedule is due at the start: what is archived was fired by the broker.
    replica = settings.model_copy(update={"archive_schedule": "* * * * * *"})
    archived = await broker.jetstream.subscribe("rte.events.expectation.archived.>", ordered_consumer=True)
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            url = await replicas.enter_async_context(serving(create_app(replica)))
            await ready(url)
        postgres.execute(HISTORY)
        event = await archived.next_msg(timeout=20)
        worked = "select count(*) from job_runs where job = 'archive'"
        slots = int(postgres.execute(worked))
        async with asyncio.timeout(20):
            while int(await asyncio.to_thread(postgres.execute, worked)) < slots + 2:
                await asyncio.sleep(0.1)  # two more slots: time enough to archive it twice
    await archived.unsubscribe()

    assert b'"title": "long ago"' in event.data
    assert (await broker.jetstream.stream_info("EVENTS")).state.messages == 1
    assert postgres.execute("select title from expectations where archived_at is not null") == "long ago"


async def test_a_slot_missed_while_everything_was_down_is_worked_at_the_start(
    postgres: testing.Database, settings: Settings
) -> None:
    postgres.execute(HISTORY)
    async with serving(create_app(settings)), asyncio.timeout(20):
        while "archive" not in await asyncio.to_thread(postgres.execute, "select job from job_runs"):
            await asyncio.sleep(0.05)

    assert postgres.execute("select title from expectations where archived_at is not null") == "long ago"


async def test_the_schedule_of_a_job_that_is_gone_is_cancelled_at_the_start_and_no_reminder(
    db: Database, broker: Broker
) -> None:
    await Schedule(db, broker, [job("0 0 * * * *"), replace(job("0 0 * * * *"), name="renamed")]).keep()
    reminder = {"Nats-Schedule": "@at 2100-01-01T00:00:00Z", "Nats-Schedule-Target": "rte.jobs.expectation"}
    await broker.jetstream.publish("rte.schedule.expectation.1", b"1", headers=reminder)

    await Schedule(db, broker, [job("0 0 * * * *")]).keep()

    stream = await broker.jetstream.stream_info("JOBS", subjects_filter="rte.schedule.>")
    assert stream.state.subjects == {"rte.schedule.test": 1, "rte.schedule.expectation.1": 1}


ENOUGH = {"database_url": "postgresql://x@localhost/x", "supabase_url": "http://localhost", "supabase_service_key": "x"}
REFUSED_BY_NATS = ["0 0 9 * * 7", "0 0 9 * * 5-7", "0 0 9 * * MON#1", "0 0 9 L * *", "0 0 9 LW * *", "0 0 9 * * 0L"]


@pytest.mark.parametrize(
    "bad",
    [
        {"archive_schedule": "0 0 * * *"},
        {"archive_schedule": "x 0 0 * * *"},
        {"schedule_timezone": "Mars/Base"},
        {"schedule_timezone": "localtime"},
        {"schedule_timezone": "utc"},
        *({"report_schedule": cron} for cron in REFUSED_BY_NATS),
    ],
)
def test_a_bad_schedule_stops_the_start(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Settings.model_validate(ENOUGH | bad)


@pytest.mark.parametrize(
    "cron", ["0 0 9 * * SUN", "0 */15 * * JUL 1-5", "0 0 9 1,15 * mon-fri", "0 0 9 29 2 *", *REFUSED_BY_NATS]
)
async def test_settings_take_the_schedules_that_nats_takes_and_no_others(
    db: Database, broker: Broker, cron: str
) -> None:
    try:
        Settings.model_validate(ENOUGH | {"report_schedule": cron})
    except ValueError:
        taken = False
    else:
        taken = True
    publish = broker.jetstream.publish(
        "rte.schedule.probe",
        b"",
        headers={"Nats-Schedule": cron, "Nats-Schedule-Target": "rte.jobs.probe", "Nats-Schedule-TTL": "1h"},
    )
    if taken:
        await publish
    else:
        with pytest.raises(BadRequestError):
            await publish
