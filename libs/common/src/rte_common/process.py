"""Run a service: settings, logs, the metrics port, uvicorn, and a drain on SIGTERM."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any, TypeVar

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from prometheus_client import start_http_server
from pydantic import ValidationError
from pydantic_settings import BaseSettings
from starlette.responses import Response

from rte_common import connections, telemetry
from rte_common.settings import ProcessSettings

log = structlog.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
ProcessSettingsT = TypeVar("ProcessSettingsT", bound=ProcessSettings)
Check = Callable[[], Awaitable[str | None]]
"""Question to a dependency: None when it answers, else the reason in a few words."""


class Refusal(str):
    """Reason of a dependency that answers, but not with these settings: unready, though it is not required."""


CHECK_SECONDS = 2
"""Time that a dependency may take to answer /ready."""
CANCEL_AGAIN_SECONDS = 1.0
"""Time that a background task may take to end before it is told again."""
BAD_SETTINGS = 2
COLLECT_AFTER = 10_000, 5, 5
"""New objects that make the garbage collector look at the youngest generation, and looks that reach the next one."""


class Health:
    """`GET /health` (alive, asks nobody) and `GET /ready` (each dependency with its state).

    Every service makes it first, sets `checks` when its lifespan has made the dependencies, and installs it in its app.
    `required` names the checks without which the process cannot serve; the others are reported and forgiven, unless
    their reason is a Refusal.
    """

    def __init__(self, *, required: frozenset[str] = frozenset()) -> None:
        self.draining = False
        self.drain_began = asyncio.Event()
        self.checks: Mapping[str, Check] | None = None
        """Dependencies by name; None while the process is starting."""
        self._required = required
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/health", self._health, methods=["GET"])
        self.router.add_api_route("/ready", self._ready, methods=["GET"])

    def install(self, app: FastAPI) -> None:
        """Answer both paths in `app`, and let `run` drain it."""
        app.state.health = self
        app.include_router(self.router)

    async def _health(self) -> dict[str, str]:
        return {"status": "alive"}

    async def _ready(self) -> Response:
        checks = self.checks or {}
        states = dict(zip(checks, await asyncio.gather(*map(_state, checks.values())), strict=True))
        unready = self.checks is None or any(
            isinstance(state, Refusal) or (state != "ok" and name in self._required) for name, state in states.items()
        )
        status = "draining" if self.draining else "unready" if unready else "ready"
        return JSONResponse({"status": status, "checks": states}, 200 if status == "ready" else 503)


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check() or "ok"
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS} s"


@asynccontextmanager
async def background(*forever: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines that never end beside the block; they are cancelled with it.

    One that ends with an error is a bug: the process is told to stop, and whoever watches it starts it again.
    """

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("background_task_failed", task=task.get_name(), exc_info=task.exception())
            os.kill(os.getpid(), signal.SIGTERM)

    tasks = [asyncio.create_task(coroutine, name=getattr(coroutine, "__qualname__", None)) for coroutine in forever]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        left = set(tasks)
        while left:
            for task in left:
                task.cancel()
            # Said once, it may be lost: in Python 3.11 `wait_for` returns what comes at the same moment instead.
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)


class DrainingServer(uvicorn.Server):
    """A uvicorn server that, told to stop, is unready at once but serves on for `drain_seconds`.

    The proxy needs that time: it goes on sending requests until its next look at /ready.
    """

    def __init__(self, config: uvicorn.Config, health: Health, drain_seconds: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Bind, and remember the loop that signals must reach."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the drain; a second signal ends it."""
        if self._health.draining or self._loop is None:
            self.should_exit = True
            return
        self._health.draining = True
        log.info("drain_began", seconds=self._drain_seconds)
        self._loop.call_soon_threadsafe(self._begin_drain, self._loop)

    def _begin_drain(self, loop: asyncio.AbstractEventLoop) -> None:
        self._health.drain_began.set()
        loop.call_later(self._drain_seconds, self._finish)

    def _finish(self) -> None:
        self.should_exit = True


def run(
    service: str,
    settings_class: type[ProcessSettingsT],
    create_app: Callable[[ProcessSettingsT], FastAPI],
    **uvicorn_options: Any,
) -> None:
    """Serve `create_app(settings)` until SIGTERM; exit 0 after the drain, 2 when the environment is wrong.

    The app has its Health installed. `uvicorn_options` go to uvicorn's Config.
    """
    settings = load(settings_class)
    telemetry.setup(service, settings)
    connections.BoundedProtocol.max_connections = connections.max_connections()
    app = create_app(settings)
    health: Health = app.state.health
    start_http_server(settings.metrics_port, settings.host)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=connections.BoundedProtocol,
        log_config=None,
        access_log=False,
        lifespan="on",
        # Longer than a proxy keeps idle connections (Traefik: 90 s), else it meets closed ones and answers 502.
        timeout_keep_alive=95,
        timeout_graceful_shutdown=10,
        **uvicorn_options,
    )
    # Python's 700 is for small programs: a tenth of the time of 10,000 joins went into looking at what lives on.
    gc.set_threshold(*COLLECT_AFTER)
    server = DrainingServer(config, health, settings.drain_seconds)
    server.run()
    log.info("process_ended", pid=os.getpid())
    sys.exit(0 if server.started else 1)


def load(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings from the environment, or end the process with one line that names what is wrong."""
    try:
        return settings_class()
    except ValidationError as error:
        print("; ".join(map(_sentence, error.errors(include_input=False))), file=sys.stderr)
        sys.exit(BAD_SETTINGS)


def _sentence(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    if error["type"] == "missing":
        return f"{name} is not set: see .env.example"
    return f"{name} {error['msg'].removeprefix('Value error, ')}".strip()
