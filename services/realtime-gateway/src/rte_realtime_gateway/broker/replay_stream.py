"""The replay stream: kept broadcasts in JetStream, which every peer writes, follows and has in memory."""

import asyncio
import hashlib
from typing import NamedTuple

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from rte_common.jetstream import BROADCAST_SECONDS, BROADCASTS, Broker
from rte_realtime_gateway.access.readiness import Readiness, Source
from rte_realtime_gateway.broker.ordered_consumer import OrderedConsumer
from rte_realtime_gateway.protocol.frames import Broadcast, Encoding
from rte_realtime_gateway.rooms.replay import KeptBroadcast, Replay, Stored
from rte_realtime_gateway.rooms.rooms import RoomName

log = structlog.get_logger(__name__)

STREAM = "BROADCASTS"
SUBJECT = BROADCASTS.removesuffix(">")
TTL = "Nats-TTL"
MAX_STORE_SECONDS = 3.0
"""Seconds in which the broker must store a broadcast."""
MAX_WAIT_SECONDS = 5.0
"""Seconds that a broadcast may wait for its turn: senders expect an answer within 10 s."""
MAX_WAITING = 1_000
"""Broadcasts that wait to be stored. The broker writes each to disk, so they are some hundreds a second."""


class Waiting(NamedTuple):
    """A broadcast on its way to the broker."""

    room: RoomName
    broadcast: Broadcast
    seconds: int
    stored: Stored
    until: float
    """Time by the loop's clock at which its sender has waited long enough."""


class ReplayWriter:
    """Writer of the stream: one broadcast after the other."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(MAX_WAITING)

    def store(self, room: RoomName, broadcast: Broadcast, seconds: int, stored: Stored) -> None:
        """Have a broadcast kept for some seconds, and call `stored` with whether it is."""
        if self._broker.client.is_connected and not self._waiting.full():
            self._waiting.put_nowait(Waiting(room, broadcast, seconds, stored, _time() + MAX_WAIT_SECONDS))
        else:
            stored(False)

    async def run(self) -> None:
        """Store until cancelled, in the order in which broadcasts came."""
        while True:
            waiting = await self._waiting.get()
            waiting.stored(_time() < waiting.until and await self._publish(waiting))

    async def _publish(self, waiting: Waiting) -> bool:
        try:
            await self._broker.jetstream.publish(
                _subject(waiting.room),
                _encoded(waiting.room, waiting.broadcast),
                timeout=MAX_STORE_SECONDS,
                headers={TTL: f"{waiting.seconds}s"},
            )
        except (nats.errors.Error, OSError) as error:
            log.warning("broadcast_not_kept", topic=waiting.room.topic, error=repr(error))
            return False
        return True


class ReplayReader:
    """Reader of the stream: every stored broadcast, whoever stored it, comes to the replay of this process."""

    def __init__(self, broker: Broker, replay: Replay, readiness: Readiness) -> None:
        self._replay = replay
        self._consumer = OrderedConsumer(
            broker,
            STREAM,
            BROADCASTS,
            start=lambda: ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
            on_message=self._publish,
            on_reset=lambda sequence, stream: replay.reset(),
            on_live=lambda live: readiness.update(Source.REPLAY, live=live),
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._consumer.run()

    def _publish(self, sequence: int, message: Msg) -> None:
        room, broadcast = _decoded(message.data)
        at = message.metadata.timestamp.timestamp()
        ttl = (message.headers or {}).get(TTL, str(BROADCAST_SECONDS))
        self._replay.publish(sequence, room, KeptBroadcast(broadcast, at, at + int(ttl.removesuffix("s"))))


def _time() -> float:
    return asyncio.get_running_loop().time()


def _subject(room: RoomName) -> str:
    """Subject of a room, of which the stream keeps the newest messages."""
    return SUBJECT + hashlib.blake2b(orjson.dumps(list(room)), digest_size=16).hexdigest()


def _encoded(room: RoomName, broadcast: Broadcast) -> bytes:
    head = {
        "room": list(room),
        "event": broadcast.event,
        "encoding": broadcast.encoding,
        "binary": broadcast.binary,
        "meta": orjson.Fragment(broadcast.meta),
    }
    return orjson.dumps(head) + b"\n" + broadcast.payload


def _decoded(data: bytes) -> tuple[RoomName, Broadcast]:
    head_json, _, payload = data.partition(b"\n")
    head = orjson.loads(head_json)
    meta = orjson.dumps(head["meta"])
    broadcast = Broadcast(head["event"], payload, Encoding(head["encoding"]), meta, binary=head["binary"])
    return RoomName(*head["room"]), broadcast
