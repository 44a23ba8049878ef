"""Shared presence: the peers say in a key-value store who is present with them, and believe each other for a while."""

import asyncio
import hashlib
import time
from dataclasses import dataclass

import orjson

from rte_realtime_gateway.access.readiness import Readiness, Source
from rte_realtime_gateway.broker.key_value import KeyValue, Watcher
from rte_realtime_gateway.protocol import json_text
from rte_realtime_gateway.rooms.presence import NOBODY, Entry
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms

PRESENCE_STORE = "realtime_presence"
REFRESH_SECONDS = 6.0
"""Seconds after which a process says again who is present with it."""
GHOST_SECONDS = 18.0
"""Seconds for which somebody is believed to be present without that: a killed process leaves ghosts no longer."""


class OwnPresences:
    """Entries of this process' clients, of which the peers are told."""

    def __init__(self, store: KeyValue, peer_id: str) -> None:
        self.peer_id = peer_id
        """Id of this process among its peers."""
        self._store = store
        self._entries: dict[str, tuple[RoomName, Entry]] = {}

    def present(self, room: RoomName, entry: Entry) -> None:
        """Say that somebody is present here, now and for as long as `absent` is not called."""
        key = _key(room, entry)
        self._entries[key] = room, entry
        self.write(key)

    def absent(self, room: RoomName, entry: Entry) -> None:
        """Say that somebody is gone."""
        key = _key(room, entry)
        self._entries.pop(key, None)
        self._store.delete(key)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def release(self, key: str) -> None:
        """Leave an entry to the peer to whom its client has gone."""
        self._entries.pop(key, None)

    def write(self, key: str) -> None:
        """Say again that somebody is present."""
        self._write(key, self.peer_id)

    def write_all(self) -> None:
        """Say again who is present."""
        for key in self._entries:
            self.write(key)

    def _write(self, key: str, peer_id: str) -> None:
        room, entry = self._entries[key]
        said = {"room": list(room), "key": entry.key, "ref": entry.ref, "member": entry.member_id}
        self._store.put(key, orjson.dumps({**said, "meta": orjson.Fragment(entry.meta), "replica": peer_id}))

    async def hand_over(self) -> None:
        """Leave the entries to whichever peer their clients come back to: the process ends."""
        for key in self._entries:
            self._write(key, NOBODY)
        await self._store.flush()


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody present with a peer."""

    room: RoomName
    entry: Entry
    at: float
    """Time by this process' clock at which the peer last said so."""


class SharedPresence:
    """Exchange of presence with the peers: their entries come to the rooms, and this process' own are kept alive."""

    def __init__(self, store: KeyValue, own: OwnPresences, rooms: Rooms, readiness: Readiness) -> None:
        self._store = store
        self._own = own
        self._rooms = rooms
        self._readiness = readiness
        self._sightings: dict[str, Sighting] = {}
        """Entries of the peers; one that came to this process meanwhile counts no longer."""

    async def run(self) -> None:
        """Exchange with the peers until cancelled."""
        watcher = Watcher(self._seen, self._removed, on_reset=self._own.write_all, on_loaded=self._loaded)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store.run(watcher))
            tasks.create_task(self._refresh())

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self._own.write_all()
            self._expire_ghosts()

    def _expire_ghosts(self) -> None:
        now = time.monotonic()
        # The broker says which entries expired, unless it was restarted and has lost them.
        if not self._store.live:
            # Nobody is heard: that says nothing about the peers.
            self._sightings = {key: Sighting(s.room, s.entry, now) for key, s in self._sightings.items()}
        for key in [key for key, sighting in self._sightings.items() if sighting.at < now - GHOST_SECONDS]:
            if key in self._own:
                del self._sightings[key]
            else:
                self._removed(key)

    def _loaded(self) -> None:
        self._readiness.update(Source.PRESENCE, live=True)

    def _seen(self, key: str, value: bytes) -> None:
        said = json_text.whole(value, json_text.members())
        if said["replica"].value == self._own.peer_id:
            return
        room = RoomName(*said["room"].value)
        meta = said["meta"].text.encode()
        entry = Entry(said["key"].value, said["ref"].value, said["member"].value, meta, said["replica"].value)
        if self._rooms.present_elsewhere(room, entry):
            self._own.release(key)
            self._sightings[key] = Sighting(room, entry, time.monotonic())

    def _removed(self, key: str) -> None:
        sighting = self._sightings.pop(key, None)
        if key in self._own:
            self._own.write(key)  # it came to us while a peer gave it up
        elif sighting is not None:
            self._rooms.absent_elsewhere(sighting.room, sighting.entry)


def _key(room: RoomName, entry: Entry) -> str:
    return hashlib.blake2b(orjson.dumps([*room, *entry.id]), digest_size=16).hexdigest()
