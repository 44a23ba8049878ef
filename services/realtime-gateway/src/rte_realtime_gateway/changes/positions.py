"""Positions: up to which change each returning client has had everything.

A client that names a session id in its socket's parameters is told apart when it comes back. What it received is known
from websocket pings: each carries a number, the client's library answers by itself, and so everything written before
that ping has arrived. Replicas share the positions in a bucket, so the client may come back to any of them.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import nats.errors
import orjson
import structlog

from rte_common.auth import Member
from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.limits import MAX_CHANNELS
from rte_realtime_gateway.broker.key_value import Bucket, Reader

if TYPE_CHECKING:
    from rte_realtime_gateway.hub import Hub

log = structlog.get_logger(__name__)

BUCKET = "realtime_positions"

SLOT_DIGITS = 2
"""Hexadecimal digits of a client's key that choose its slot."""
TELL_SECONDS = 0.05
SECONDS_PER_SLOT = 0.003

MAX_PLACES = MAX_CHANNELS
"""Kept of one client, those of its latest subscriptions."""

Places = dict[str, int]
"""Subscription -> sequence of the last change that the client had, or that was not meant for it.

Where it left on purpose that is `~place`, below zero: the others hear of that too, and older news does not undo it.
"""
LEFT = ~0
"""Where it left, of a client of which nothing is known."""
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class Known:
    """What is known of one client, and since when."""

    places: Places
    at: float


@dataclass
class Positions:
    """The positions of all clients with a session id, of this replica and the others."""

    clock: Callable[[], float]
    keep_seconds: float
    stream: str | None = None
    """In which stream of changes the places are; None before it is known."""
    unshared: set[str] = field(default_factory=set)
    """Clients of this replica about whom the others do not know the latest."""
    tell: Callable[[], object] = lambda: None
    """Has the others told soon."""
    tell_now: Callable[[Callable[[], None]], object] = lambda told: told()
    """Has the others told at once, and calls back when the broker was given what they are told."""
    _known: dict[tuple[str | None, str], Known] = field(default_factory=dict)

    def start(self, stream: str) -> None:
        """From now on places are in this stream."""
        before, self.stream = self.stream, stream
        # What the others have told of this stream is good, unless it has lost its end: then nothing is.
        self._known = {key: known for key, known in self._known.items() if key[0] == stream != before}
        self.unshared.clear()

    def of(self, client: str, subscription: str) -> int | None:
        """Where the client is; None if nobody knows."""
        known = self._known.get((self.stream, client))
        if known is None or known.at < self.clock() - self.keep_seconds:
            return None
        place = known.places.get(subscription, LEFT)
        return place if place >= 0 else None

    def advance(self, client: str, places: Mapping[str, int]) -> None:
        """The client has had everything up to these places. Positions only grow, so late news do no harm."""
        self.learn(client, places, self.stream)
        self._share(client)

    def learn(self, client: str, places: Mapping[str, int], stream: str | None) -> None:
        """Another replica, or this one before it was restarted, has told."""
        known = self._known.setdefault((stream, client), Known({}, 0))
        known.at = self.clock()
        for subscription, place in places.items():
            # Of two at the same place the later news counts: who has left there, or has joined again.
            keep(known.places, subscription, max(place, known.places.get(subscription, LEFT), key=_reached))

    def forget(self, client: str, subscription: str, place: int) -> None:
        """The client left on purpose at this place: when it joins again, it begins anew."""
        known = self.of(client, subscription)
        if known is not None:
            self.advance(client, {subscription: ~max(place, known)})

    def _share(self, client: str) -> None:
        self.unshared.add(client)
        self.tell()

    def places(self, client: str) -> Places:
        """Everything known of a client."""
        known = self._known.get((self.stream, client))
        return known.places if known is not None else {}

    def tidy(self) -> None:
        """Drop what is too old to be of use."""
        oldest = self.clock() - self.keep_seconds
        for key in [key for key, known in self._known.items() if known.at < oldest]:
            del self._known[key]


def _reached(place: int) -> int:
    return max(place, ~place)


def keep(latest: dict[Key, Value], key: Key, value: Value) -> None:
    """Put it last, and let go of the first if there are more than a client may have channels."""
    latest.pop(key, None)
    latest[key] = value
    if len(latest) > MAX_PLACES:
        del latest[next(iter(latest))]


def client_key(member: Member, session: str) -> str:
    """Under which a client's positions are kept: a session id is nobody else's, whoever guesses it."""
    return hashlib.blake2b(orjson.dumps([member.team_id, member.id, session]), digest_size=16).hexdigest()


class SharedPositions:
    """Tells the other replicas, and whoever takes over after a crash, where this replica's clients are.

    Thousands of positions change with each change of a row, so clients share slots, and a slot is written as one.
    """

    def __init__(self, broker: Broker, hub: "Hub", replica: str, copies: int) -> None:
        self._hub = hub
        self._replica = replica
        self._news, self._hurry = asyncio.Event(), asyncio.Event()
        hub.positions.tell = self._news.set
        hub.positions.tell_now = self._tell_now
        self._when_told: list[Callable[[], None]] = []
        self._clients: dict[str, set[str]] = {}
        """Slot -> clients of this replica, present and recent."""
        reader = Reader(self._learn, removed=lambda key: None, emptied=self._tell_again, loaded=self._loaded)
        self._bucket = Bucket(broker, BUCKET, reader, ttl=hub.positions.keep_seconds, replicas=copies)

    async def run(self) -> None:
        """Exchange with the others until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bucket.run())
            tasks.create_task(self._tell())

    async def finish(self) -> None:
        """Tell what was not told yet: the process ends."""
        self._tell_unshared()
        await self._bucket.finish()

    def _tell_now(self, told: Callable[[], None]) -> None:
        self._when_told.append(told)
        self._hurry.set()
        self._news.set()

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._hurry.clear()
            when_told, self._when_told = self._when_told, []
            slots = self._tell_unshared()
            if when_told:
                await self._told(when_told)
            # The more there is to tell, the more seldom: it must not take the time of the sockets.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), TELL_SECONDS + slots * SECONDS_PER_SLOT)

    async def _told(self, when_told: list[Callable[[], None]]) -> None:
        try:
            await self._bucket.finish()
        except (nats.errors.Error, OSError) as error:
            log.info("positions_not_told", error=repr(error))
        for told in when_told:
            told()

    def _tell_unshared(self) -> int:
        unshared, self._hub.positions.unshared = self._hub.positions.unshared, set()
        slots = {client[:SLOT_DIGITS] for client in unshared}
        for client in unshared:
            self._clients.setdefault(client[:SLOT_DIGITS], set()).add(client)
        for slot in slots:
            self._write(slot)
        metrics.POSITIONS.inc(len(unshared))
        return len(slots)

    def _write(self, slot: str) -> None:
        positions = self._hub.positions
        told = {client: places for client in self._clients[slot] if (places := positions.places(client))}
        self._clients[slot] = set(told)
        self._bucket.put(f"{self._replica}.{slot}.{positions.stream}", orjson.dumps(told))

    def _tell_again(self) -> None:
        for slot in self._clients:
            self._write(slot)

    def _loaded(self) -> None:
        self._hub.source_live("positions", True)

    def _learn(self, key: str, value: bytes) -> None:
        replica, *_, stream = key.split(".")
        if replica != self._replica:
            for client, places in orjson.loads(value).items():
                self._hub.positions.learn(client, places, stream)
