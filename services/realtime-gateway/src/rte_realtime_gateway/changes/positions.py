"""Positions: up to which change each resumable client has had everything, in this process and its peers.

A client that names a session id in its socket's parameters is told apart when it comes back. What it received is known
from websocket pings: each carries a number, the client's library answers by itself, and so everything written before
that ping has arrived. The peers share their positions (broker/shared_positions.py), so a client may come back to any.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import orjson

from rte_common.auth import Member
from rte_realtime_gateway.access.limits import MAX_CHANNELS

MAX_POSITIONS = MAX_CHANNELS
"""Positions kept of one client: those of its latest subscriptions."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Position(NamedTuple):
    """Place of a client in one subscription."""

    offset: int
    """Sequence of the last change that the client had, or that was not meant for it."""
    left: bool = False
    """Whether it left on purpose there, and begins anew when it joins again. Older news does not undo that."""


class Sharing(Protocol):
    """Port to the peers, with whom positions are shared: `broker.shared_positions.UnsharedPositions`."""

    def changed(self, client: str) -> None:
        """Have the client's positions shared soon."""

    def share_now(self, done: Callable[[], None]) -> None:
        """Share what was not shared yet, and call `done` when the broker was given it, or is away."""

    def reset(self) -> None:
        """Share nothing of what has changed until now: it was in another stream."""


@dataclass(slots=True)
class Known:
    """Positions of one client."""

    positions: dict[str, Position]
    at: float
    """Time by this process' clock at which the client was last heard of."""


class Positions:
    """The positions of all resumable clients. Offsets only grow, so late news does no harm."""

    def __init__(self, sharing: Sharing, kept_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream: str | None = None
        """Stream of changes in which the offsets are; None before it is known."""
        self._sharing = sharing
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._known: dict[tuple[str | None, str], Known] = {}

    def reset(self, stream: str) -> None:
        """Go on in this stream of changes."""
        before, self.stream = self.stream, stream
        # What the peers have shared of this stream is good, unless it has lost its end: then nothing is.
        self._known = {key: known for key, known in self._known.items() if key[0] == stream != before}
        self._sharing.reset()

    def offset(self, client: str, subscription: str) -> int | None:
        """The offset from which the client goes on; None if nobody knows, or it left on purpose."""
        known = self._known.get((self.stream, client))
        if known is None or known.at < self._clock() - self._kept_seconds:
            return None
        position = known.positions.get(subscription)
        return None if position is None or position.left else position.offset

    def advance(self, client: str, subscription: str, offset: int) -> None:
        """Record that the client has had everything up to there."""
        self._change(client, subscription, Position(offset))

    def leave(self, client: str, subscription: str, offset: int) -> None:
        """Record that the client left on purpose: when it joins again, it begins anew."""
        known = self.offset(client, subscription)
        if known is not None:
            self._change(client, subscription, Position(max(offset, known), left=True))

    def _change(self, client: str, subscription: str, position: Position) -> None:
        self.learn(client, {subscription: position}, self.stream)
        self._sharing.changed(client)

    def share_now(self, done: Callable[[], None]) -> None:
        """Have the peers know what they do not know yet; calls `done` when the broker was given it, or is away."""
        self._sharing.share_now(done)

    def learn(self, client: str, positions: Mapping[str, Position], stream: str | None) -> None:
        """Take over what a peer knows, or what this process knew before it was restarted."""
        known = self._known.setdefault((stream, client), Known({}, 0))
        known.at = self._clock()
        for subscription, position in positions.items():
            before = known.positions.get(subscription)
            # Of two at the same offset the later news counts: who has left there, or has joined again.
            newest = position if before is None or position.offset >= before.offset else before
            keep_latest(known.positions, subscription, newest)

    def of(self, client: str) -> dict[str, Position]:
        """Everything known of a client in the present stream: subscription -> position."""
        known = self._known.get((self.stream, client))
        return known.positions if known is not None else {}

    def prune(self) -> None:
        """Drop what is too old to be of use."""
        oldest = self._clock() - self._kept_seconds
        for key in [key for key, known in self._known.items() if known.at < oldest]:
            del self._known[key]


def keep_latest(latest: dict[Key, Value], key: Key, value: Value) -> None:
    """Put it last, and drop the first if there are more than a client may have channels."""
    latest.pop(key, None)
    latest[key] = value
    if len(latest) > MAX_POSITIONS:
        del latest[next(iter(latest))]


def client_key(member: Member, session: str) -> str:
    """The key of a client's positions: a session id is nobody else's, whoever guesses it."""
    return hashlib.blake2b(orjson.dumps([member.team_id, member.id, session]), digest_size=16).hexdigest()
