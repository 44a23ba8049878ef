"""The broadcast relay: broadcasts between the peers, at most once, over a subject of NATS."""

import asyncio
from typing import Any

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg

from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.readiness import Readiness, Source
from rte_realtime_gateway.protocol.frames import Broadcast, Encoding
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms

log = structlog.get_logger(__name__)

SUBJECT = "rte.realtime.broadcast"
RETRY_SECONDS = 0.5
MAX_OUTGOING_BYTES = 1 << 25
"""Bytes of broadcasts that wait for a broker that takes none: the peers' members do not hear what is more."""


class BroadcastRelay:
    """Sends this process' broadcasts to the peers."""

    def __init__(self, broker: Broker, peer_id: str) -> None:
        self._broker = broker
        self._peer_id = peer_id
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._outgoing_bytes = 0

    def broadcast(self, room: RoomName, broadcast: Broadcast) -> None:
        """Deliver it to the peers' members of the room too; at most once, like every broadcast."""
        head = {
            "from": self._peer_id,
            "room": list(room),
            "event": broadcast.event,
            "encoding": broadcast.encoding,
            "binary": broadcast.binary,
            "meta": broadcast.meta.decode(),
        }
        data = orjson.dumps(head) + b"\n" + broadcast.payload
        if self._outgoing_bytes + len(data) > MAX_OUTGOING_BYTES:
            metrics.DROPS.labels("not_relayed").inc()
            return
        self._outgoing_bytes += len(data)
        self._outgoing.put_nowait(data)

    async def run(self) -> None:
        """Send until cancelled."""
        await self._broker.ready()
        while True:
            data = await self._outgoing.get()
            try:
                await self._broker.client.publish(SUBJECT, data)
            except nats.errors.Error as error:
                metrics.DROPS.labels("not_relayed").inc()
                log.warning("broadcast_not_relayed", error=repr(error))
            finally:
                self._outgoing_bytes -= len(data)


class BroadcastReceiver:
    """Brings the peers' broadcasts to the rooms."""

    def __init__(self, broker: Broker, peer_id: str, rooms: Rooms, readiness: Readiness) -> None:
        self._broker = broker
        self._peer_id = peer_id
        self._rooms = rooms
        self._readiness = readiness

    async def subscribe(self) -> None:
        """Hear the peers, before any client may join, and for as long as the connection to the broker lives."""
        await self._broker.ready()
        while True:
            try:
                await self._broker.client.subscribe(SUBJECT, cb=self._receive)
                await self._broker.client.flush()
            except (nats.errors.Error, OSError) as error:
                log.info("peers_not_heard", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._readiness.update(Source.BROADCASTS, live=True)
                return

    async def _receive(self, message: Msg) -> None:
        head_json, _, payload = message.data.partition(b"\n")
        head: dict[str, Any] = orjson.loads(head_json)
        if head["from"] == self._peer_id:
            return
        broadcast = Broadcast(
            head["event"], payload, Encoding(head["encoding"]), head["meta"].encode(), binary=head["binary"]
        )
        self._rooms.deliver(RoomName(*head["room"]), broadcast)
