"""A slot is worked once, whoever fires it and however many replicas there are, and none is forgotten."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from nats.js.errors import BadRequestError, NotFoundError

from rte_common.database import Connection, Database
from rte_common.jetstream import Broker
from rte_devstack import testing
from rte_devstack.serving import ready, serving
from rte_jobs import schedule
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


@pytest.mark.parametrize(
    ("cron", "timezone", "now", "slot"),
    [
        # The clock jumps from 02:00 to 03:00, at 01:00Z.
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-28T01:30:00Z"),
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
        ("0 30 2 * * SUN", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z"),
        ("0 30 * * * *", "Europe/Berlin", "2026-03-29T01:10:00Z", "2026-03-29T00:30:00Z"),
        # In these zones the day begins at 01:00.
        ("0 0 0 * * *", "America/Santiago", "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z"),
        ("0 0 0 * * *", "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z"),
        ("0 0 0 * * *", "Asia/Beirut", "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z"),
        # The clock shows 02:00 to 03:00 from 00:00Z, and again from 01:00Z.
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"),
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-25T01:45:00Z", "2026-10-25T00:30:00Z"),
        ("0 */15 * * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-25T01:00:00Z"),
        ("0 45 * * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-25T00:45:00Z"),
        ("0 */15 * * * *", "Australia/Lord_Howe", "2026-04-04T15:20:00Z", "2026-04-04T15:15:00Z"),
    ],
)
def test_a_time_that_the_clock_skips_counts_at_the_end_of_the_gap_and_one_that_comes_twice_once(
    cron: str, timezone: str, now: str, slot: str
) -> None:
    assert job(cron, timezone).slot(datetime.fromisoformat(now)) == datetime.fromisoformat(slot)


@pytest.mark.parametrize("cron", ["0 */15 * * * *", "0 30 2 * * *", "0 0 0 * * *", "0 5 1-4 * * *", "0 0 9 * * SUN"])
@pytest.mark.parametrize(
    "timezone", ["Europe/Berlin", "America/Santiago", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "UTC"]
)
def test_slots_never_go_backwards_and_a_daily_job_has_one_each_day(cron: str, timezone: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    changes = [
        begin + timedelta(days=day)
        for day in range(365)
        if (begin + timedelta(days=day)).astimezone(ZoneInfo(timezone)).utcoffset()
        != (begin + timedelta(days=day + 1)).astimezone(ZoneInfo(timezone)).utcoffset()
    ]
    for change in changes or [begin]:
        slots = [job(cron, timezone).slot(change + timedelta(minutes=5 * step)) for step in range(-288, 3 * 288)]
        assert slots == sorted(slots)
        if cron == "0 */15 * * * *":
            assert len(set(slots)) == 4 * 24 * 4
        elif cron.endswith("* * *") and cron.split()[2].isdigit():
            days = [slot.astimezone(ZoneInfo(timezone)).date() for slot in sorted(set(slots))]
            assert days == [days[0] + timedelta(days=number) for number in range(len(days))]


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


async def test_schedules_that_the_broker_lost_are_declared_again(
    postgres: testing.Database, settings: Settings, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LOOK_SECONDS", 0.1)
    all_worked = "select count(distinct job) from job_runs"
    async with serving(create_app(settings)), asyncio.timeout(40):
        await postgres.until(all_worked, "6")
        await broker.jetstream.delete_stream("JOBS")
        while await _schedules(broker) != {
            "archive",
            "report",
            "remind",
            "upkeep",
            "give-up-exports",
            "expire-exports",
        }:
            await asyncio.sleep(0.05)


async def _schedules(broker: Broker) -> set[str]:
    try:
        stream = await broker.jetstream.stream_info("JOBS", subjects_filter="rte.schedule.*")
    except NotFoundError:
        return set()
    return {subject.removeprefix("rte.schedule.") for subject in stream.state.subjects or {}}


async def test_a_slot_that_nobody_fires_is_worked_all_the_same(
    db: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LOOK_SECONDS", 0.1)
    worked: asyncio.Queue[datetime] = asyncio.Queue()

    async def note(connection: Connection, slot: datetime) -> int:
        await worked.put(slot)
        return 0

    # No consumer is running, as if the broker fired nothing.
    keeping = asyncio.create_task(Schedule(db, broker, [Job("test", "* * * * * *", "UTC", note)]).keep())
    async with asyncio.timeout(20):
        first, second = await worked.get(), await worked.get()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)

    assert first < second


async def kept(of: Schedule, broker: Broker, count: int) -> None:
    """Have the schedules kept until the broker has so many."""
    keeping = asyncio.create_task(of.keep())
    async with asyncio.timeout(20):
        while len(await _schedules(broker)) != count:
            await asyncio.sleep(0.02)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_the_schedule_of_a_job_that_is_gone_is_cancelled_at_the_start_and_no_reminder(
    db: Database, broker: Broker
) -> None:
    await kept(Schedule(db, broker, [job("0 0 * * * *"), replace(job("0 0 * * * *"), name="renamed")]), broker, 2)
    reminder = {"Nats-Schedule": "@at 2100-01-01T00:00:00Z", "Nats-Schedule-Target": "rte.jobs.expectation"}
    await broker.jetstream.publish("rte.schedule.expectation.1", b"1", headers=reminder)

    await kept(Schedule(db, broker, [job("0 0 * * * *")]), broker, 1)

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
