"""How the process is put together."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from rte_common import jetstream, problems, process, telemetry
from rte_common.auth import TokenVerifier
from rte_common.process import Health
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext
from rte_realtime_gateway.access.authorization import TokenGate
from rte_realtime_gateway.broker.change_feed import Feed
from rte_realtime_gateway.broker.replay_stream import BroadcastStore
from rte_realtime_gateway.broker.shared_presence import NatsReplicas
from rte_realtime_gateway.changes.positions import SharedPositions
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.server import http_broadcast, upkeep
from rte_realtime_gateway.server.handshake import Wiring
from rte_realtime_gateway.server.socket import GatewaySocket
from rte_realtime_gateway.server.workers import Workers, listener_of_worker
from rte_realtime_gateway.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The gateway's HTTP side; its websockets are `GatewaySocket`s, which find the wiring in the app's state."""
    logging.getLogger("websockets").setLevel(logging.WARNING)  # else a line for each connection
    health = Health(required=frozenset({"nats", "clerk"}))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with httpx.AsyncClient() as http, jetstream.connect(settings, name="realtime-gateway") as broker:
            verifier = TokenVerifier(settings, http)
            hub = Hub(
                asyncio.get_running_loop().call_later,
                flush_seconds=settings.flush_seconds,
                expiry_grace=settings.expiry_grace_seconds,
                resume_seconds=settings.resume_seconds,
            )
            hub.rooms.replicas = replicas = NatsReplicas(broker, hub, settings.nats_replicas)
            places = SharedPositions(broker, hub, replicas.me, settings.nats_replicas)
            health.checks = {"nats": hub.check, "clerk": verifier.check}
            async with process.background(
                verifier.run(),
                Feed(broker, hub).run(),
                places.run(),
                replicas.run(),
                BroadcastStore(broker, hub).run(),
                upkeep.tidy(hub),
                upkeep.drain(hub, health, settings.drain_seconds),
            ):
                yield {"wiring": Wiring(settings, hub, TokenGate(verifier), verifier)}
                await upkeep.take_leave(places.finish, replicas.finish)

    app = FastAPI(title="Remote Teams Expectations: realtime", lifespan=lifespan, telemetry=FRAMEWORK_TELEMETRY)
    app.state.health = health
    problems.install(app)
    app.include_router(health.router)
    # Beside the websocket, wherever a client was told that it is.
    for prefix in ("/realtime/v1", ""):
        app.include_router(http_broadcast.router, prefix=prefix)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"], allow_headers=["*"])
    app.add_middleware(RequestContext)
    return app


def main() -> None:
    """Entry point of `rte-realtime-gateway`."""
    listener = listener_of_worker()
    if listener is None and (settings := process.load(Settings)).workers > 1:
        telemetry.setup("realtime-gateway", settings)
        sys.exit(Workers(settings).run())
    process.run("realtime-gateway", Settings, create_app, ws=GatewaySocket, fd=listener)
