"""jobs: the schedules, the consumers of what they fire, and the relay of the events that the work makes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from rte_common import database, events, jetstream, outbox, process, storage
from rte_common.process import Health, background
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext
from rte_jobs.archive import archive
from rte_jobs.exports import Exports, give_up
from rte_jobs.reminder_schedule import FIRED, ReminderSchedule
from rte_jobs.reminders import sweep
from rte_jobs.reports import report
from rte_jobs.schedule import Job, Schedule
from rte_jobs.settings import Settings
from rte_jobs.upkeep import prune

EVERY_QUARTER = "0 */15 * * * *"
EXPECTATIONS = f"{events.PREFIX}expectation.>"


def jobs(settings: Settings, exports: Exports) -> list[Job]:
    """Everything that is done on a schedule."""
    timezone = settings.schedule_timezone
    archive_old = partial(archive, after=timedelta(days=settings.archive_after_days))
    return [
        Job("archive", settings.archive_schedule, timezone, archive_old),
        Job("report", settings.report_schedule, timezone, partial(report, timezone=timezone)),
        Job("remind", EVERY_QUARTER, timezone, sweep),
        Job("upkeep", settings.upkeep_schedule, timezone, prune),
        Job("give-up-exports", EVERY_QUARTER, timezone, give_up),
        Job("expire-exports", settings.upkeep_schedule, timezone, exports.expire),
    ]


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app: health only, the work comes through NATS."""
    health = Health()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            database.connect(settings, application_name="jobs") as db,
            jetstream.connect(settings, name="jobs") as broker,
            storage.connect(settings, timeout_seconds=60) as files,
        ):
            exports = Exports(db, files)
            schedule = Schedule(db, broker, jobs(settings, exports))
            reminders = ReminderSchedule(db, broker)
            async with background(
                schedule.keep(),
                *schedule.consumers(),
                jetstream.consume(broker, "JOBS", "jobs-export", "rte.jobs.export", exports.handle),
                jetstream.consume(broker, "EVENTS", "jobs-expectation-events", EXPECTATIONS, reminders.changed),
                jetstream.consume(broker, "JOBS", "jobs-expectation", FIRED, reminders.fired),
                outbox.run(db, broker),
            ):
                health.checks = {"database": db.check, "nats": broker.check}
                yield

    app = FastAPI(
        title="Remote Teams Expectations: jobs",
        lifespan=lifespan,
        docs_url=None,
        openapi_url=None,
        telemetry=FRAMEWORK_TELEMETRY,
    )
    health.install(app)
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Run jobs."""
    process.run("jobs", Settings, create_app)
