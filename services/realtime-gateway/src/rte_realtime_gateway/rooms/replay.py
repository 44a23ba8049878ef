"""Persisted broadcasts: what senders asked to keep, replayed to members who join a private room later.

They reach everybody through their stream (broker/replay_stream.py), so who joins has each either replayed or live.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from rte_common.jetstream import BROADCAST_BYTES, BROADCAST_SECONDS, BROADCASTS_PER_ROOM
from rte_realtime_gateway.protocol.frames import Broadcast
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.channel import Channel

MAX_PERSISTED_BYTES = 1 << 15
"""Largest payload that is kept: all that a join may ask for is less than may wait for a client."""

Answered = Callable[[bool], None]
Keep = Callable[[RoomName, Broadcast, int, Answered], None]
"""Has a broadcast kept for some seconds, and tells whether it is."""


@dataclass(frozen=True, slots=True)
class Persisted:
    """One broadcast of a room."""

    broadcast: Broadcast
    """With its id in the metadata."""
    at: float
    """Unix time at which the broker took it."""
    until: float

    @property
    def replayed(self) -> Broadcast:
        """The broadcast as somebody who joined later gets it."""
        return replace(self.broadcast, meta=orjson.dumps({"replayed": True, **orjson.loads(self.broadcast.meta)}))


class PersistedBroadcasts:
    """Those of all rooms, each under its place in the stream."""

    def __init__(self, rooms: Rooms, now: Callable[[], float]) -> None:
        self.keep: Keep = lambda room, broadcast, seconds, answered: answered(False)
        """Without a broker nothing is kept."""
        self._deliver = rooms.deliver
        self._broadcast = rooms.broadcast
        self._now = now
        self._kept: dict[RoomName, dict[int, Persisted]] = {}
        self._order: dict[int, RoomName] = {}
        self._bytes = 0
        self._senders: dict[str, Channel] = {}
        """Of those on their way: by id, who shall not hear them."""

    def send(
        self,
        room: RoomName,
        broadcast: Broadcast,
        seconds: int,
        answered: Callable[[str | None], None],
        sender: "Channel | None" = None,
    ) -> None:
        """Have a broadcast kept, and everybody hear it; tells its id, or None if it is heard but could not be kept."""
        number = uuid.uuid4().hex
        named = replace(broadcast, meta=orjson.dumps({"id": number}))
        if sender is not None:
            self._senders[number] = sender

        def tell(kept: bool) -> None:
            if not kept:
                self._senders.pop(number, None)
                self._broadcast(room, named, sender)
            answered(number if kept else None)

        self.keep(room, named, seconds, tell)

    def take(self, place: int, room: RoomName, persisted: Persisted) -> None:
        """The stream has the next broadcast: keep it in mind, and let the members of this process hear it."""
        if persisted.until <= self._now():
            return
        self._kept.setdefault(room, {})[place] = persisted
        self._order[place] = room
        self._bytes += len(persisted.broadcast.payload)
        if len(self._kept[room]) > BROADCASTS_PER_ROOM:
            self._drop(next(iter(self._kept[room])))
        while self._bytes > BROADCAST_BYTES:
            self._drop(next(iter(self._order)))
        number = orjson.loads(persisted.broadcast.meta)["id"]
        self._deliver(room, persisted.broadcast, self._senders.pop(number, None))

    def replay(self, room: RoomName, since: float, count: int) -> list[Broadcast]:
        """The newest `count` of the room that were taken after the Unix time `since`, oldest first."""
        now = self._now()
        kept = [one.replayed for one in self._kept.get(room, {}).values() if one.at > since and one.until > now]
        return kept[-count:]

    def begin_anew(self) -> None:
        """The stream is another one."""
        self._kept.clear()
        self._order.clear()
        self._senders.clear()
        self._bytes = 0

    def tidy(self) -> None:
        """Drop those whose time is over."""
        now = self._now()
        for place in [place for place, room in self._order.items() if self._kept[room][place].until <= now]:
            self._drop(place)

    def _drop(self, place: int) -> None:
        room = self._order.pop(place)
        self._bytes -= len(self._kept[room].pop(place).broadcast.payload)
        if not self._kept[room]:
            del self._kept[room]


def seconds_to_keep(persist: Any) -> int | None:
    """How long the sender wants a broadcast kept: `true`, or `{"ttl": seconds}`. None: not at all."""
    if persist is True:
        return BROADCAST_SECONDS
    ttl = persist.get("ttl", BROADCAST_SECONDS) if isinstance(persist, dict) else None
    return min(ttl, BROADCAST_SECONDS) if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0 else None
