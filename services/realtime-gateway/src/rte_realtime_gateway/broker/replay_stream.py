"""The store: persisted broadcasts in a stream of JetStream, which every replica follows and has in mind."""

import asyncio
import hashlib
from typing import NamedTuple

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from rte_common.jetstream import BROADCAST_SECONDS, BROADCASTS, Broker
from rte_realtime_gateway.broker.ordered_consumer import Following, OrderedConsumer
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol.frames import Broadcast, Encoding
from rte_realtime_gateway.rooms.replay import Answered, Persisted
from rte_realtime_gateway.rooms.rooms import RoomName

log = structlog.get_logger(__name__)

SUBJECT = BROADCASTS.removesuffix(">")
TTL = "Nats-TTL"
STORE_SECONDS = 3.0
"""How long the broker may take to store one."""
WAIT_SECONDS = 5.0
"""How long one may wait for its turn: senders expect an answer within 10 s."""
MAX_WAITING = 1_000
"""Broadcasts that wait to be stored. The broker writes each to disk, so they are some hundreds a second."""


class Waiting(NamedTuple):
    """A broadcast on its way to the broker."""

    room: RoomName
    broadcast: Broadcast
    seconds: int
    answered: Answered
    until: float
    """By the loop's clock: after that its sender has waited long enough."""


class BroadcastStore:
    """Keeps broadcasts in the broker, and the hub up to date with what every replica has stored."""

    def __init__(self, broker: Broker, hub: Hub) -> None:
        self._broker = broker
        self._hub = hub
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(MAX_WAITING)
        hub.persisted.keep = self._keep
        following = Following(
            stream="BROADCASTS",
            subject=BROADCASTS,
            first=lambda: ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
            take=self._take,
            began=lambda place, stream: hub.persisted.begin_anew(),
            live=lambda live: hub.source_live("store", live),
        )
        self._consumer = OrderedConsumer(broker, following)

    async def run(self) -> None:
        """Store and follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._consumer.run())
            tasks.create_task(self._store())

    def _keep(self, room: RoomName, broadcast: Broadcast, seconds: int, answered: Answered) -> None:
        if self._broker.client.is_connected and not self._waiting.full():
            self._waiting.put_nowait(Waiting(room, broadcast, seconds, answered, _time() + WAIT_SECONDS))
        else:
            answered(False)

    async def _store(self) -> None:
        """One after the other, so that they keep their order."""
        while True:
            waiting = await self._waiting.get()
            waiting.answered(_time() < waiting.until and await self._publish(waiting))

    async def _publish(self, waiting: Waiting) -> bool:
        try:
            await self._broker.jetstream.publish(
                _subject(waiting.room),
                _written(waiting.room, waiting.broadcast),
                timeout=STORE_SECONDS,
                headers={TTL: f"{waiting.seconds}s"},
            )
        except (nats.errors.Error, OSError) as error:
            log.warning("broadcast_not_kept", topic=waiting.room.topic, error=repr(error))
            return False
        return True

    def _take(self, place: int, message: Msg) -> None:
        room, broadcast = _read(message.data)
        at = message.metadata.timestamp.timestamp()
        ttl = (message.headers or {}).get(TTL, str(BROADCAST_SECONDS))
        self._hub.persisted.take(place, room, Persisted(broadcast, at, at + int(ttl.removesuffix("s"))))


def _time() -> float:
    return asyncio.get_running_loop().time()


def _subject(room: RoomName) -> str:
    """One for each room, of which the stream keeps the newest messages."""
    return SUBJECT + hashlib.blake2b(orjson.dumps(list(room)), digest_size=16).hexdigest()


def _written(room: RoomName, broadcast: Broadcast) -> bytes:
    head = {
        "room": list(room),
        "event": broadcast.event,
        "encoding": broadcast.encoding,
        "binary": broadcast.binary,
        "meta": orjson.Fragment(broadcast.meta),
    }
    return orjson.dumps(head) + b"\n" + broadcast.payload


def _read(data: bytes) -> tuple[RoomName, Broadcast]:
    head_json, _, payload = data.partition(b"\n")
    head = orjson.loads(head_json)
    meta = orjson.dumps(head["meta"])
    broadcast = Broadcast(head["event"], payload, Encoding(head["encoding"]), meta, binary=head["binary"])
    return RoomName(*head["room"]), broadcast
