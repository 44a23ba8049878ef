"""auth-sync: the webhook endpoint, the consumer that applies what it stored, and the relay of the events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from rte_auth_sync import webhook
from rte_auth_sync.members import Sync
from rte_auth_sync.settings import Settings
from rte_auth_sync.state import State
from rte_auth_sync.team_name import name_team
from rte_common import database, jetstream, outbox, problems, process
from rte_common.process import Health, background
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI app."""
    # Without NATS nothing can be stored. Without the database webhooks are stored all the same, and applied later.
    health = Health(required=frozenset({"nats"}))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with (
            database.connect(settings, application_name="auth-sync") as db,
            jetstream.connect(settings, name="auth-sync") as broker,
            background(
                jetstream.consume(broker, "CLERK", "auth-sync", "rte.clerk.>", Sync(db, settings.team_mode).handle),
                outbox.run(db, broker),
                name_team(db, settings),
            ),
        ):
            health.checks = {"database": db.check, "nats": broker.check}
            yield State(settings=settings, broker=broker)

    app = FastAPI(
        title="Remote Teams Expectations: auth-sync",
        lifespan=lifespan,
        docs_url=None,
        openapi_url=None,
        telemetry=FRAMEWORK_TELEMETRY,
    )
    health.install(app)
    problems.install(app)
    app.include_router(webhook.router)
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Run auth-sync."""
    process.run("auth-sync", Settings, create_app)
