"""How the process is put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from rte_api import authentication
from rte_api.authentication import Authentication
from rte_api.dependencies import SECURITY
from rte_api.expectations import routes as expectations
from rte_api.members import routes as members
from rte_api.settings import Settings
from rte_api.wiring import Wiring
from rte_common import database, jetstream, outbox, problems, process
from rte_common.auth import TokenVerifier
from rte_common.process import Health, background
from rte_common.telemetry import RequestContext


def create_app(settings: Settings) -> FastAPI:
    """The api; its parts are connected while the lifespan runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            httpx.AsyncClient() as http,
            database.connect(settings, application_name="api") as db,
            jetstream.connect(settings, name="api") as broker,
        ):
            verifier = TokenVerifier(settings, http)
            wiring = Wiring(db, Authentication(settings, verifier))
            async with background(verifier.run(), outbox.run(db, broker)):
                checks = {"database": db.check, "nats": broker.check, "clerk": wiring.authentication.check}
                app.state.health.checks = checks
                yield {"wiring": wiring}

    app = FastAPI(
        title="Remote Teams Expectations",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
    )
    app.state.health = Health(required=frozenset({"database", "clerk"}))
    problems.install(app)
    authentication.install(app)
    app.include_router(app.state.health.router)
    v1 = APIRouter(prefix="/api/v1", dependencies=SECURITY)
    v1.include_router(expectations.router)
    v1.include_router(members.router)
    app.include_router(v1)
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Entry point of `rte-api`."""
    process.run("api", Settings, create_app)
