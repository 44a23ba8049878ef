"""jobs: the schedules, the consumer of their firings, and the relay of the events that the work makes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI

from rte_common import database, jetstream, outbox, process
from rte_common.process import Health, background
from rte_common.telemetry import RequestContext
from rte_jobs.archive import archive
from rte_jobs.schedule import Job, Schedule
from rte_jobs.settings import Settings


def jobs(settings: Settings) -> list[Job]:
    """Every job there is."""
    after = timedelta(days=settings.archive_after_days)
    return [Job("archive", settings.archive_schedule, settings.schedule_timezone, partial(archive, after=after))]


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app: health only, the work comes through NATS."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            database.connect(settings, application_name="jobs") as db,
            jetstream.connect(settings, name="jobs") as broker,
        ):
            schedule = Schedule(db, broker, jobs(settings))
            async with background(
                schedule.keep(),
                jetstream.consume(broker, "JOBS", "jobs", "rte.jobs.>", schedule.handle),
                outbox.run(db, broker),
            ):
                app.state.health.checks = {"database": db.check, "nats": broker.check}
                yield {}

    app = FastAPI(title="Remote Teams Expectations: jobs", lifespan=lifespan, docs_url=None, openapi_url=None)
    app.state.health = Health()
    app.include_router(app.state.health.router)
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Run jobs."""
    process.run("jobs", Settings, create_app)
