"""Positions: up to which change each returning client has had everything.

A client that names a session id in its socket's parameters is told apart when it comes back. What it received is known
from websocket pings: each carries a number, the client's library answers by itself, and so everything written before
that ping has arrived. Replicas share the positions in a bucket, so the client may come back to any of them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from rte_common.auth import Member
from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics
from rte_realtime_gateway.bucket import Bucket, Reader

if TYPE_CHECKING:
    from rte_realtime_gateway.hub import Hub

BUCKET = "realtime_positions"

Places = dict[str, int]
"""Topic -> sequence of the last change that the client had, or that was not meant for it."""


@dataclass(slots=True)
class Known:
    """What is known of one client, and since when."""

    places: Places
    at: float


@dataclass
class Positions:
    """The positions of all clients with a session id, of this replica and the others."""

    now: Callable[[], float]
    keep_seconds: float
    tell: Callable[[str, bytes], object] = lambda key, value: None
    """Tells the other replicas."""
    _known: dict[str, Known] = field(default_factory=dict)

    def of(self, key: str, topic: str) -> int | None:
        """Where the client is on this topic; None if nobody knows."""
        known = self._known.get(key)
        return None if known is None or known.at < self.now() - self.keep_seconds else known.places.get(topic)

    def advance(self, key: str, places: Mapping[str, int]) -> None:
        """The client has had everything up to these places. Positions only grow, so late news do no harm."""
        merged = self._merge(key, places)
        self.tell(key, orjson.dumps(merged))
        metrics.POSITIONS.inc()

    def forget(self, key: str, topic: str) -> None:
        """The client left the channel: when it joins again, it begins anew."""
        known = self._known.get(key)
        if known is not None and known.places.pop(topic, None) is not None:
            self.tell(key, orjson.dumps(known.places))

    def learn(self, key: str, value: bytes) -> None:
        """Another replica, or this one before it was restarted, has told."""
        self._merge(key, orjson.loads(value))

    def _merge(self, key: str, places: Mapping[str, int]) -> Places:
        known = self._known.setdefault(key, Known({}, 0))
        known.at = self.now()
        for topic, place in places.items():
            known.places[topic] = max(place, known.places.get(topic, 0))
        return known.places

    def tidy(self) -> None:
        """Drop what is too old to be of use."""
        oldest = self.now() - self.keep_seconds
        for key in [key for key, known in self._known.items() if known.at < oldest]:
            del self._known[key]

    def clear(self) -> None:
        """The stream is another one: places in it mean nothing any more."""
        self._known.clear()

    def tell_again(self) -> None:
        """The others' bucket was emptied."""
        for key, known in self._known.items():
            self.tell(key, orjson.dumps(known.places))


def client_key(member: Member, session: str) -> str:
    """Under which a client's positions are kept: a session id is nobody else's, whoever guesses it."""
    return hashlib.blake2b(orjson.dumps([member.team_id, member.id, session]), digest_size=16).hexdigest()


def shared(broker: Broker, hub: "Hub", replicas: int) -> Bucket:
    """The bucket through which replicas tell each other the hub's positions; it must run."""
    positions = hub.positions
    reader = Reader(
        put=positions.learn,
        removed=lambda key: None,
        emptied=positions.tell_again,
        loaded=lambda: hub.source_live("positions", True),
    )
    bucket = Bucket(broker, BUCKET, reader, ttl=positions.keep_seconds, replicas=replicas)
    positions.tell = bucket.put
    return bucket
