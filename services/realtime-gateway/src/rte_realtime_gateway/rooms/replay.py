"""Replay: broadcasts that their senders asked to keep, for members who join a private room later.

They reach everybody through their stream (broker/replay_stream.py), so who joins has each either replayed or live.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from rte_common.jetstream import BROADCAST_BYTES, BROADCAST_SECONDS, BROADCASTS_PER_ROOM
from rte_realtime_gateway.ports import Listener
from rte_realtime_gateway.protocol.frames import Broadcast
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms

MAX_KEPT_BYTES = 1 << 15
"""Bytes of a payload that is kept: all that a join may ask for is less than may wait for a client."""
NOT_KEPT = "UnableToPersistMessage: The others have heard it, but it could not be kept"

Stored = Callable[[bool], None]
"""Function that is told whether a broadcast was stored."""


class Storage(Protocol):
    """Port to where broadcasts are stored, to come to every peer's `Replay`: `broker.replay_stream.ReplayWriter`."""

    def store(self, room: RoomName, broadcast: Broadcast, seconds: int, stored: Stored) -> None:
        """Have a broadcast kept for some seconds, and call `stored` with whether it is."""


@dataclass(frozen=True, slots=True)
class KeptBroadcast:
    """One broadcast of a room that is kept."""

    broadcast: Broadcast
    """Broadcast with its id in the metadata."""
    at: float
    """Unix time at which the broker took it."""
    until: float
    """Unix time at which it is dropped."""

    @property
    def replayed(self) -> Broadcast:
        """The broadcast as somebody who joined later gets it."""
        return replace(self.broadcast, meta=orjson.dumps({"replayed": True, **orjson.loads(self.broadcast.meta)}))


class Replay:
    """The kept broadcasts of all rooms, each under its sequence in the stream."""

    def __init__(self, rooms: Rooms, storage: Storage, now: Callable[[], float] = time.time) -> None:
        self._rooms = rooms
        self._storage = storage
        self._now = now
        self._kept: dict[RoomName, dict[int, KeptBroadcast]] = {}
        self._order: dict[int, RoomName] = {}
        """Rooms by sequence, oldest first."""
        self._bytes = 0
        self._senders: dict[str, Listener] = {}
        """Broadcast ids in flight, each with the sender that must not receive its own copy."""

    def send(
        self,
        room: RoomName,
        broadcast: Broadcast,
        seconds: int,
        answered: Callable[[str | None], None],
        sender: Listener | None = None,
    ) -> None:
        """Have a broadcast kept and everybody hear it; answers its id, or None if it is heard but could not be kept."""
        number = uuid.uuid4().hex
        named = replace(broadcast, meta=orjson.dumps({"id": number}))
        if sender is not None:
            self._senders[number] = sender

        def answer(stored: bool) -> None:
            if not stored:
                self._senders.pop(number, None)
                self._rooms.broadcast(room, named, sender)
            answered(number if stored else None)

        self._storage.store(room, named, seconds, answer)

    def publish(self, sequence: int, room: RoomName, kept: KeptBroadcast) -> None:
        """Take the next broadcast of the stream: keep it in memory, and let the members of this process hear it."""
        if kept.until <= self._now():
            return
        self._kept.setdefault(room, {})[sequence] = kept
        self._order[sequence] = room
        self._bytes += len(kept.broadcast.payload)
        if len(self._kept[room]) > BROADCASTS_PER_ROOM:
            self._drop(next(iter(self._kept[room])))
        while self._bytes > BROADCAST_BYTES:
            self._drop(next(iter(self._order)))
        number = orjson.loads(kept.broadcast.meta)["id"]
        self._rooms.deliver(room, kept.broadcast, self._senders.pop(number, None))

    def newest(self, room: RoomName, since: float, count: int) -> list[Broadcast]:
        """The newest `count` of the room that were taken after the Unix time `since`, oldest first."""
        now = self._now()
        kept = [one.replayed for one in self._kept.get(room, {}).values() if one.at > since and one.until > now]
        return kept[-count:]

    def reset(self) -> None:
        """Drop everything: the stream is another one."""
        self._kept.clear()
        self._order.clear()
        self._senders.clear()
        self._bytes = 0

    def prune(self) -> None:
        """Drop those whose time is over."""
        now = self._now()
        for sequence in [one for one, room in self._order.items() if self._kept[room][one].until <= now]:
            self._drop(sequence)

    def _drop(self, sequence: int) -> None:
        room = self._order.pop(sequence)
        self._bytes -= len(self._kept[room].pop(sequence).broadcast.payload)
        if not self._kept[room]:
            del self._kept[room]


def seconds_to_keep(persist: Any) -> int | None:
    """Seconds for which the sender wants a broadcast kept: `true`, or `{"ttl": seconds}`. None: not at all."""
    if persist is True:
        return BROADCAST_SECONDS
    ttl = persist.get("ttl", BROADCAST_SECONDS) if isinstance(persist, dict) else None
    return min(ttl, BROADCAST_SECONDS) if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0 else None
