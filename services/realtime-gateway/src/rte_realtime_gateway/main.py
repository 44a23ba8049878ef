"""How the process is put together: every object in its order, by its constructor."""

import asyncio
import logging
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from rte_common import jetstream, problems, process, telemetry
from rte_common.auth import TokenVerifier
from rte_common.jetstream import Broker
from rte_common.process import Health
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext
from rte_realtime_gateway.access.readiness import Readiness
from rte_realtime_gateway.access.token_gate import TokenGate
from rte_realtime_gateway.broker.broadcast_relay import BroadcastReceiver, BroadcastRelay
from rte_realtime_gateway.broker.change_feed import ChangeFeed
from rte_realtime_gateway.broker.key_value import KeyValue
from rte_realtime_gateway.broker.replay_stream import ReplayReader, ReplayWriter
from rte_realtime_gateway.broker.shared_positions import POSITIONS_STORE, SharedPositions, UnsharedPositions
from rte_realtime_gateway.broker.shared_presence import GHOST_SECONDS, PRESENCE_STORE, OwnPresences, SharedPresence
from rte_realtime_gateway.changes.positions import Positions
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.rooms.replay import Replay
from rte_realtime_gateway.rooms.rooms import Rooms
from rte_realtime_gateway.server import http_broadcast, upkeep
from rte_realtime_gateway.server.handshake import Handshake
from rte_realtime_gateway.server.socket import GatewaySocket
from rte_realtime_gateway.server.state import State
from rte_realtime_gateway.server.workers import Workers, listener_of_worker
from rte_realtime_gateway.settings import Settings


@asynccontextmanager
async def running(settings: Settings, broker: Broker, verifier: TokenVerifier, health: Health) -> AsyncIterator[State]:
    """Everything that the gateway's sockets and routes share, with what runs in the background."""
    later, peer_id = asyncio.get_running_loop().call_later, uuid.uuid4().hex
    presence_store = KeyValue(broker, PRESENCE_STORE, ttl=GHOST_SECONDS, stream_replicas=settings.nats_replicas)
    positions_store = KeyValue(
        broker, POSITIONS_STORE, ttl=settings.kept_seconds, stream_replicas=settings.nats_replicas
    )
    # What this process says to its peers.
    own_presences = OwnPresences(presence_store, peer_id)
    relay = BroadcastRelay(broker, peer_id)
    replay_writer = ReplayWriter(broker)
    unshared = UnsharedPositions()
    # What its clients share.
    readiness = Readiness()
    rooms = Rooms(later, relay, own_presences)
    replay = Replay(rooms, replay_writer)
    positions = Positions(unshared, settings.kept_seconds)
    hub = Hub(
        later,
        rooms,
        replay,
        positions,
        readiness,
        flush_seconds=settings.flush_seconds,
        expiry_grace=settings.expiry_grace_seconds,
        kept_seconds=settings.kept_seconds,
    )
    # What it hears from the broker.
    feed = ChangeFeed(broker, hub)
    receiver = BroadcastReceiver(broker, peer_id, rooms, readiness)
    replay_reader = ReplayReader(broker, replay, readiness)
    shared_presence = SharedPresence(presence_store, own_presences, rooms, readiness)
    shared_positions = SharedPositions(positions_store, unshared, positions, readiness, peer_id)
    health.checks = {"nats": readiness.check, "clerk": verifier.check}
    async with process.background(
        verifier.run(),
        feed.run(),
        relay.run(),
        receiver.subscribe(),
        replay_writer.run(),
        replay_reader.run(),
        shared_presence.run(),
        shared_positions.run(),
        upkeep.run(hub),
        upkeep.drain(hub, health, settings.drain_seconds),
    ):
        gate, handshake = TokenGate(verifier), Handshake(settings)
        yield State(settings=settings, hub=hub, gate=gate, handshake=handshake, verifier=verifier)
        await upkeep.hand_over(shared_positions.hand_over, own_presences.hand_over)


def create_app(settings: Settings) -> FastAPI:
    """The gateway's HTTP side; its websockets are `GatewaySocket`s, which get the same state from uvicorn."""
    logging.getLogger("websockets").setLevel(logging.WARNING)  # else a line for each connection
    health = Health(required=frozenset({"nats", "clerk"}))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with (
            httpx.AsyncClient() as http,
            jetstream.connect(settings, name="realtime-gateway") as broker,
            running(settings, broker, TokenVerifier(settings, http), health) as state,
        ):
            yield state

    app = FastAPI(title="Remote Teams Expectations: realtime", lifespan=lifespan, telemetry=FRAMEWORK_TELEMETRY)
    health.install(app)
    problems.install(app)
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
