"""The broker's schedules, and a slot claimed once.

NATS keeps each schedule as a message and fires by itself (`Nats-Schedule`, NATS >= 2.14); it skips what it missed while
it was down (tried on 2.15.1), and may lose the schedules with its disk. So a job takes the firing only as a hint, works
out the latest slot that is due, and claims that in the transaction that does the work. Any number of replicas is right,
and so is a start after a pause.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import nats.errors
import structlog
from nats.aio.msg import Msg
from prometheus_client import Counter
from sqlalchemy.dialects.postgresql import insert

from rte_common import jetstream
from rte_common.database import FAILURES, Connection, Database
from rte_common.jetstream import Broker
from rte_common.tables import JobRun
from rte_jobs.slots import latest
from rte_jobs.statements import execute

log = structlog.get_logger(__name__)

SUBJECT = "rte.schedule"
FIRINGS_LIVE = "168h"
"""How long a firing waits for a jobs replica to come back."""
LOOK_SECONDS = 30
"""Time between two looks at whether the schedules are there and nothing was missed."""
RUNS = Counter("rte_job_runs_total", "Slots worked or skipped because another replica had them", ["job", "outcome"])


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done once for each slot of a cron schedule (six fields, in `timezone`)."""

    name: str
    cron: str
    timezone: str
    run: Callable[[Connection, datetime], Awaitable[int]]
    """Does the work for a slot in the transaction that claimed it, rows only; returns how many."""

    def slot(self, now: datetime) -> datetime:
        """The latest moment of the schedule that is not after `now`, in UTC."""
        return latest(self.cron, ZoneInfo(self.timezone), now)


class Schedule:
    """The jobs of this service, kept in the broker and worked here."""

    def __init__(self, database: Database, broker: Broker, jobs: Sequence[Job]) -> None:
        self._database = database
        self._broker = broker
        self._jobs = jobs
        self._seen: dict[str, datetime] = {}
        """The latest slot of each job that is known to be claimed."""

    async def keep(self) -> None:
        """Put the schedules into the broker, and work what was missed; again and again, until cancelled.

        A broker that comes back empty has no schedules, and it fires nothing in the hour that a clock skips in spring.
        """
        await self._broker.ready()
        await _insist(self._cancel_unknown)
        for job in self._jobs:
            await _insist(partial(self._declare, job))
        while True:
            for job in self._jobs:
                await self._catch_up(job)
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._declare_missing()
            except (OSError, nats.errors.Error) as error:
                log.warning("schedule_not_ready", error=repr(error))

    async def _catch_up(self, job: Job) -> None:
        now = datetime.now(UTC)
        if self._seen.get(job.name) == job.slot(now):
            return
        try:
            await self.work(job, now)
        except Exception as error:  # as a consumer does: one job's failure is no other's
            log.warning("job_failed", job=job.name, exc_info=error)

    def consumers(self) -> list[Coroutine[Any, Any, None]]:
        """One consumer per job, to run for good: a slow job holds up no other."""
        return [
            jetstream.consume(self._broker, "JOBS", f"jobs-{job.name}", f"rte.jobs.{job.name}", self._worker(job))
            for job in self._jobs
        ]

    def _worker(self, job: Job) -> jetstream.Handle:
        async def fired(message: Msg) -> None:
            await self.work(job, message.metadata.timestamp)

        return fired

    async def work(self, job: Job, fired_at: datetime) -> bool:
        """Do the work of the slot that `fired_at` is in, unless it was claimed before; True if it was done here."""
        slot = job.slot(fired_at)
        claim = insert(JobRun).values(job=job.name, slot=slot).on_conflict_do_nothing()
        async with self._database.as_service() as connection:
            if not await execute(connection, claim):
                self._seen[job.name] = slot
                RUNS.labels(job.name, "already claimed").inc()
                return False
            rows = await job.run(connection, slot)
        self._seen[job.name] = slot
        RUNS.labels(job.name, "done").inc()
        log.info("job_done", job=job.name, slot=slot.isoformat(), rows=rows)
        return True

    async def _declare(self, job: Job) -> None:
        """A message on the same subject replaces the schedule before it."""
        headers = {
            "Nats-Schedule": job.cron,
            "Nats-Schedule-Time-Zone": job.timezone,
            "Nats-Schedule-Target": f"rte.jobs.{job.name}",
            "Nats-Schedule-TTL": FIRINGS_LIVE,
        }
        await self._broker.jetstream.publish(f"{SUBJECT}.{job.name}", b"", headers=headers)

    async def _cancel_unknown(self) -> None:
        """Purge the schedules of jobs that there are no more: the broker would go on firing them for nobody.

        Those of single expectations have longer subjects.
        """
        for subject in await self._declared() - {f"{SUBJECT}.{job.name}" for job in self._jobs}:
            await self._broker.jetstream.purge_stream("JOBS", subject=subject)
            log.info("schedule_cancelled", subject=subject)

    async def _declare_missing(self) -> None:
        declared = await self._declared()
        for job in self._jobs:
            if f"{SUBJECT}.{job.name}" not in declared:
                await self._declare(job)
                log.warning("schedule_was_missing", job=job.name)

    async def _declared(self) -> set[str]:
        stream = await self._broker.jetstream.stream_info("JOBS", subjects_filter=f"{SUBJECT}.*")
        return set(stream.state.subjects or {})


async def _insist(work: Callable[[], Awaitable[object]]) -> None:
    """Do `work`, again and again while the database or NATS is away."""
    while True:
        try:
            await work()
        except (*FAILURES, nats.errors.Error) as error:
            log.warning("schedule_not_ready", error=repr(error))
            await asyncio.sleep(1)
        else:
            return
