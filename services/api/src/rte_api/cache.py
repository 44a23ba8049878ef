"""Responses that a whole team shares, cached in memory until an event of the team says that they are old.

A reader takes the team's generation before it asks the database, and puts its response into that very generation: when
an event, or a write of this replica, has ended it meanwhile, the response ends with it and nothing stale is ever kept.

Cached responses are given while the database is away too, and are not marked like those of the fallback: without a
database nothing changes, so they are what it would say, but for events that it took with it, and for MAX_AGE_SECONDS
at most.

A dict for each team is measured to be faster than cachetools (docs/decisions/0020).
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

MAX_AGE_SECONDS = 60
"""Age up to which a response is given, should an event ever be lost on the way."""
MAX_TEAMS = 2_000
MAX_TEAM_RESPONSES = 32
"""Different queries of one team whose responses are cached."""
MAX_BYTES = 64 * 1024 * 1024

LOOKUPS = Counter("rte_cache_lookups_total", "Reads that the team's cache could have answered", ["outcome"])
HITS, MISSES, BYPASSES = LOOKUPS.labels("hit"), LOOKUPS.labels("miss"), LOOKUPS.labels("bypass")
SIZE = Gauge("rte_cache_bytes", "Size of the cached responses")


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A JSON body, with the headers that it has for everybody."""

    body: bytes
    etag: str
    cache_control: str
    made_at: float
    """Monotonic clock, in seconds."""

    @classmethod
    def of(cls, body: bytes) -> Self:
        """The response with `body`, which the caller's own cache may keep, and asks about each time."""
        etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        return cls(body, etag, "private, no-cache", time.monotonic())


@dataclass(slots=True, eq=False)
class Generation:
    """Responses of one team since its last change, by query string, the least recently used first."""

    responses: dict[bytes, CachedResponse] = field(default_factory=dict)
    size: int = 0


class TeamCache:
    """Generations of the teams, the least recently used first, in bounded memory."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._generations: OrderedDict[str, Generation] = OrderedDict()
        self._size = 0
        self._subscribed = False
        self._reconnects = 0

    async def run(self) -> None:
        """Subscribe to the events that make responses old; ends when that is done.

        Core NATS may miss one: all expire when the connection comes back, and MAX_AGE_SECONDS bounds the rest.
        """
        await self._broker.ready()
        await self._broker.client.subscribe(events.SUBJECTS, cb=self._on_event)
        await self._broker.client.flush()
        self._subscribed = True

    @property
    def teams(self) -> int:
        """Number of teams of which something may be cached."""
        return len(self._generations)

    @property
    def size(self) -> int:
        """Bytes of all cached responses."""
        return self._size

    async def check(self) -> str | None:
        """For /ready: None, or why every read asks the database."""
        return None if self._live else "events do not arrive"

    @property
    def _live(self) -> bool:
        return self._subscribed and self._broker.client.is_connected

    def generation(self, team_id: str) -> Generation | None:
        """The team's current generation; None while events do not arrive, and nothing may be cached."""
        if not self._live:
            BYPASSES.inc()
            return None
        reconnects = self._broker.client.stats["reconnects"]
        if self._reconnects != reconnects:
            self._reconnects = reconnects
            self._generations.clear()
            self._grow(-self._size)
        generation = self._generations.get(team_id)
        if generation is None:
            generation = self._generations[team_id] = Generation()
            self._evict()
        self._generations.move_to_end(team_id)
        return generation

    def get(self, generation: Generation, query: bytes) -> CachedResponse | None:
        """The response to a query string, if it is young enough."""
        response = generation.responses.get(query)
        if response is None or time.monotonic() - response.made_at > MAX_AGE_SECONDS:
            MISSES.inc()
            return None
        HITS.inc()
        generation.responses[query] = generation.responses.pop(query)  # to the end, like the generation itself
        return response

    def put(self, team_id: str, generation: Generation, query: bytes, response: CachedResponse) -> None:
        """Cache the response in the generation that was taken before the database was asked, unless it has ended."""
        if self._generations.get(team_id) is not generation:
            return
        if query in generation.responses:
            self._remove(generation, query)
        elif len(generation.responses) >= MAX_TEAM_RESPONSES:
            self._remove(generation, next(iter(generation.responses)))
        generation.responses[query] = response
        generation.size += len(response.body)
        self._grow(len(response.body))
        self._evict()

    def expire(self, team_id: str) -> None:
        """End the team's generation: it has changed."""
        generation = self._generations.pop(team_id, None)
        if generation is not None:
            self._grow(-generation.size)

    def _remove(self, generation: Generation, query: bytes) -> None:
        size = len(generation.responses.pop(query).body)
        generation.size -= size
        self._grow(-size)

    def _grow(self, by: int) -> None:
        self._size += by
        SIZE.set(self._size)

    def _evict(self) -> None:
        while len(self._generations) > MAX_TEAMS or (self._size > MAX_BYTES and len(self._generations) > 1):
            self.expire(next(iter(self._generations)))

    async def _on_event(self, message: Msg) -> None:
        self.expire(events.Subject.parse(message.subject).team_id)
