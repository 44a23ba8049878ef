"""Answers that a whole team shares, kept in memory until an event of the team says that they are old.

A reader takes the team's shelf before it asks the database, and puts its answer on that very shelf: when an event, or a
write of this replica, has thrown the shelf away meanwhile, the answer goes with it and nothing stale is ever kept.

Kept answers are given while the database is away too, and are not marked like the last known ones: without a database
nothing changes, so they are what it would say, but for events that it took with it, and for KEPT_SECONDS at most.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import structlog
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge

from rte_common import events
from rte_common.jetstream import Broker

log = structlog.get_logger(__name__)

KEPT_SECONDS = 60
"""Oldest answer given, should an event ever be lost on the way."""
MOST_TEAMS = 2_000
MOST_ANSWERS = 32
"""Different questions of one team that are kept."""
MOST_BYTES = 64 * 1024 * 1024

LOOKUPS = Counter("rte_cache_lookups_total", "Reads that the team's cache could have answered", ["outcome"])
HITS, MISSES, BYPASSES = LOOKUPS.labels("hit"), LOOKUPS.labels("miss"), LOOKUPS.labels("bypass")
SIZE = Gauge("rte_cache_bytes", "Size of the kept answers")


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body, with the headers that it has for everybody."""

    body: bytes
    etag: str
    cache_control: str
    made_at: float

    @classmethod
    def made(cls, body: bytes, max_age: int) -> Self:
        """An answer that the caller's own cache may keep for `max_age` seconds."""
        etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        return cls(body, etag, f"private, max-age={max_age}", time.monotonic())


@dataclass(slots=True, eq=False)
class Shelf:
    """The answers of one team since its last change."""

    answers: dict[bytes, Answer] = field(default_factory=dict)
    size: int = 0


class TeamCache:
    """The shelves of the teams, in bounded memory."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._size = 0
        self._subscribed = False
        self._connections = 0

    async def run(self) -> None:
        """Subscribe to the events that make answers old; ends when that is done.

        Core NATS may miss one: everything is dropped when the connection comes back, and KEPT_SECONDS bounds the rest.
        """
        await self._broker.ready()
        await self._broker.client.subscribe(events.SUBJECTS, cb=self._on_event)
        await self._broker.client.flush()
        self._subscribed = True

    @property
    def teams(self) -> int:
        """Of how many teams something may be kept."""
        return len(self._shelves)

    @property
    def size(self) -> int:
        """Bytes of all kept answers."""
        return self._size

    async def check(self) -> str | None:
        """For /ready: None, or why every read asks the database."""
        return None if self._live else "events do not arrive"

    @property
    def _live(self) -> bool:
        return self._subscribed and self._broker.client.is_connected

    def shelf(self, team_id: str) -> Shelf | None:
        """The team's shelf; None while events do not arrive, and nothing may be kept."""
        if not self._live:
            BYPASSES.inc()
            return None
        connections = self._broker.client.stats["reconnects"]
        if self._connections != connections:
            self._connections = connections
            self._shelves.clear()
            self._grow(-self._size)
        shelf = self._shelves.get(team_id)
        if shelf is None:
            shelf = self._shelves[team_id] = Shelf()
            self._make_room()
        self._shelves.move_to_end(team_id)  # what nobody asks for goes first
        return shelf

    def find(self, shelf: Shelf, question: bytes) -> Answer | None:
        """The kept answer, if it is young enough."""
        answer = shelf.answers.get(question)
        if answer is None or time.monotonic() - answer.made_at > KEPT_SECONDS:
            MISSES.inc()
            return None
        HITS.inc()
        shelf.answers[question] = shelf.answers.pop(question)  # to the end, as the shelf itself
        return answer

    def keep(self, team_id: str, shelf: Shelf, question: bytes, answer: Answer) -> None:
        """Put the answer on the shelf that was taken before the database was asked."""
        if self._shelves.get(team_id) is not shelf:
            return
        if question not in shelf.answers and len(shelf.answers) >= MOST_ANSWERS:
            self._take_off(shelf, next(iter(shelf.answers)))
        if question in shelf.answers:
            self._take_off(shelf, question)
        shelf.answers[question] = answer
        shelf.size += len(answer.body)
        self._grow(len(answer.body))
        self._make_room()

    def drop(self, team_id: str) -> None:
        """Forget everything about the team: it has changed."""
        shelf = self._shelves.pop(team_id, None)
        if shelf is not None:
            self._grow(-shelf.size)

    def _take_off(self, shelf: Shelf, question: bytes) -> None:
        size = len(shelf.answers.pop(question).body)
        shelf.size -= size
        self._grow(-size)

    def _grow(self, by: int) -> None:
        self._size += by
        SIZE.set(self._size)

    def _make_room(self) -> None:
        while len(self._shelves) > MOST_TEAMS or (self._size > MOST_BYTES and len(self._shelves) > 1):
            self.drop(next(iter(self._shelves)))

    async def _on_event(self, message: Msg) -> None:
        self.drop(message.subject.split(".")[4])
