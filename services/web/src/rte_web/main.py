"""How the process is put together."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI

from rte_common import problems, process
from rte_common.process import Health
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext
from rte_web.client import Client, NoClient
from rte_web.settings import Settings

log = structlog.get_logger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The app; without a built client it answers its health checks only, and is not ready."""
    health = Health(required=frozenset({"client"}))
    missing: str | None = None

    async def client_is_there() -> str | None:
        return missing

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal missing
        with tempfile.TemporaryDirectory(prefix="rte-web-") as folder:
            try:
                app.mount("/", Client(settings, Path(folder)))
            except NoClient as error:
                missing = str(error)
                log.warning("no_client", reason=missing)
            health.checks = {"client": client_is_there}
            yield

    app = FastAPI(
        title="Remote Teams Expectations: web client",
        lifespan=lifespan,
        telemetry=FRAMEWORK_TELEMETRY,
        openapi_url=None,
    )
    health.install(app)
    problems.install(app)
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Entry point of `rte-web`."""
    # No websockets: a browser that asks for one gets the page's answer instead of an error.
    process.run("web", Settings, create_app, ws="none")
