"""What the replicas of the gateway tell each other over NATS: who is present, and broadcasts."""

import asyncio
import hashlib
import time
import uuid
from dataclasses import dataclass
from typing import Any

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg

from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics
from rte_realtime_gateway.broker.key_value import Bucket, Reader
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol.frames import Broadcast, Encoding
from rte_realtime_gateway.rooms.presence import NOBODY, Entry
from rte_realtime_gateway.rooms.rooms import Replicas, RoomName

log = structlog.get_logger(__name__)

BROADCAST_SUBJECT = "rte.realtime.broadcast"
PRESENCE_BUCKET = "realtime_presence"
RETRY_SECONDS = 0.5
REFRESH_SECONDS = 6.0
"""How often a replica says again who is present with it."""
GHOST_SECONDS = 18.0
"""How long somebody is believed to be present without that: a killed replica leaves ghosts no longer."""
MAX_OUTGOING_BYTES = 1 << 25
"""Of broadcasts that wait for a broker that takes none: the others' members do not hear what is more."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody present with another replica, and when that was last said."""

    room: RoomName
    entry: Entry
    at: float


class Presences:
    """The bucket of everybody present: each replica refreshes its own entries and believes the others' for a while."""

    def __init__(self, broker: Broker, hub: Hub, me: str, replicas: int) -> None:
        self._hub = hub
        self._me = me
        self._ours: dict[str, tuple[RoomName, Entry]] = {}
        self._sightings: dict[str, Sighting] = {}
        self._bucket = Bucket(
            broker,
            PRESENCE_BUCKET,
            Reader(self._seen, self._removed, self._emptied, self._loaded),
            ttl=GHOST_SECONDS,
            replicas=replicas,
        )

    def put(self, room: RoomName, entry: Entry) -> None:
        """Somebody is present with us."""
        key = _key(room, entry)
        self._ours[key] = room, entry
        self._sightings.pop(key, None)
        self._write(key)

    def remove(self, room: RoomName, entry: Entry) -> None:
        """Somebody is no longer present with us."""
        key = _key(room, entry)
        self._ours.pop(key, None)
        self._bucket.remove(key)

    def _write(self, key: str, replica: str | None = None) -> None:
        room, entry = self._ours[key]
        said = {"room": list(room), "key": entry.key, "ref": entry.ref, "member": entry.member_id, "meta": entry.meta}
        self._bucket.put(key, orjson.dumps({**said, "replica": self._me if replica is None else replica}))

    async def finish(self) -> None:
        """Leave our entries to whichever replica their clients come back to: the process ends."""
        for key in self._ours:
            self._write(key, NOBODY)
        await self._bucket.finish()

    async def run(self) -> None:
        """Keep up with the others until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bucket.run())
            tasks.create_task(self._refresh())

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            for key in self._ours:
                self._write(key)
            self._forget_ghosts()

    def _forget_ghosts(self) -> None:
        now = time.monotonic()
        # The broker tells whose time has ended, unless it was restarted and has forgotten them.
        if not self._bucket.live:
            # We hear nobody: that says nothing about the others.
            self._sightings = {key: Sighting(s.room, s.entry, now) for key, s in self._sightings.items()}
        for key in [key for key, sighting in self._sightings.items() if sighting.at < now - GHOST_SECONDS]:
            self._removed(key)

    def _emptied(self) -> None:
        for key in self._ours:
            self._write(key)

    def _loaded(self) -> None:
        self._hub.source_live("presence", True)

    def _seen(self, key: str, value: bytes) -> None:
        said = orjson.loads(value)
        if said["replica"] == self._me:
            return
        room = RoomName(*said["room"])
        entry = Entry(said["key"], said["ref"], said["member"], said["meta"], said["replica"])
        if self._hub.rooms.present_elsewhere(room, entry):
            self._ours.pop(key, None)
            self._sightings[key] = Sighting(room, entry, time.monotonic())

    def _removed(self, key: str) -> None:
        sighting = self._sightings.pop(key, None)
        if sighting is not None:
            self._hub.rooms.absent_elsewhere(sighting.room, sighting.entry)
        elif key in self._ours:
            self._write(key)  # it came to us while another replica gave it up


def _key(room: RoomName, entry: Entry) -> str:
    return hashlib.blake2b(orjson.dumps([*room, *entry.id]), digest_size=16).hexdigest()


class NatsReplicas(Replicas):
    """The other replicas, as rooms know them."""

    def __init__(self, broker: Broker, hub: Hub, replicas: int) -> None:
        self.me = uuid.uuid4().hex
        self.presences = Presences(broker, hub, self.me, replicas)
        self._broker = broker
        self._hub = hub
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._outgoing_bytes = 0

    def broadcast(self, room: RoomName, broadcast: Broadcast) -> None:
        """Deliver it to the others' members of the room too; at most once, like every broadcast."""
        head = {
            "from": self.me,
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

    def present(self, room: RoomName, entry: Entry) -> None:
        """Tell that somebody is present with us."""
        self.presences.put(room, entry)

    def absent(self, room: RoomName, entry: Entry) -> None:
        """Tell that somebody is gone."""
        self.presences.remove(room, entry)

    async def finish(self) -> None:
        """Take leave of the others."""
        await self.presences.finish()

    async def run(self) -> None:
        """Exchange with the others until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.presences.run())
            tasks.create_task(self._relay())

    async def _relay(self) -> None:
        await self._broker.ready()
        await self._subscribe()
        while True:
            data = await self._outgoing.get()
            try:
                await self._broker.client.publish(BROADCAST_SUBJECT, data)
            except nats.errors.Error as error:
                metrics.DROPS.labels("not_relayed").inc()
                log.warning("broadcast_not_relayed", error=repr(error))
            finally:
                self._outgoing_bytes -= len(data)

    async def _subscribe(self) -> None:
        """Hear the others, before any client may join."""
        while True:
            try:
                await self._broker.client.subscribe(BROADCAST_SUBJECT, cb=self._on_broadcast)
                await self._broker.client.flush()
            except (nats.errors.Error, OSError) as error:
                log.info("replicas_not_heard", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._hub.source_live("replicas", True)
                return

    async def _on_broadcast(self, message: Msg) -> None:
        head_json, _, payload = message.data.partition(b"\n")
        head: dict[str, Any] = orjson.loads(head_json)
        if head["from"] == self.me:
            return
        broadcast = Broadcast(
            head["event"], payload, Encoding(head["encoding"]), head["meta"].encode(), binary=head["binary"]
        )
        self._hub.rooms.deliver(RoomName(*head["room"]), broadcast)
