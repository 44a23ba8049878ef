"""How the process is put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from rte_common import jetstream, problems, process
from rte_common.auth import TokenVerifier
from rte_common.process import Health
from rte_common.telemetry import RequestContext
from rte_realtime_gateway.authorization import Gate
from rte_realtime_gateway.feed import Feed
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.settings import Settings
from rte_realtime_gateway.socket import GatewaySocket
from rte_realtime_gateway.wiring import Wiring

TIDY_SECONDS = 1.0


def create_app(settings: Settings) -> FastAPI:
    """The gateway's HTTP side; its websockets are `GatewaySocket`s, which find the wiring in the app's state."""
    wiring: Wiring | None = None

    async def feed_state() -> str | None:
        return None if wiring and wiring.hub.live else "changes do not arrive"

    async def keys_state() -> str | None:
        return None if wiring and wiring.verifier.ready else "no public key yet"

    health = Health(required=frozenset({"nats", "clerk"}))
    health.checks = {"nats": feed_state, "clerk": keys_state}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        nonlocal wiring
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient())
            verifier = TokenVerifier(settings, http)
            hub = Hub(asyncio.get_running_loop().call_later, flush_seconds=settings.flush_seconds)
            wiring = Wiring(settings, hub, Gate(verifier), verifier)
            broker = await stack.enter_async_context(jetstream.connect(settings, name="realtime-gateway"))
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = [
                tasks.create_task(verifier.run()),
                tasks.create_task(Feed(broker, hub).run()),
                tasks.create_task(_tidy(hub)),
            ]
            yield {"wiring": wiring}
            for task in running:
                task.cancel()

    app = FastAPI(title="Remote Teams Expectations: realtime", lifespan=lifespan)
    app.state.health = health
    problems.install(app)
    app.include_router(health.router)
    app.add_middleware(RequestContext)
    return app


async def _tidy(hub: Hub) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        hub.tidy()


def main() -> None:
    """Entry point of `rte-realtime-gateway`."""
    process.run("realtime-gateway", Settings, create_app, ws=GatewaySocket)
