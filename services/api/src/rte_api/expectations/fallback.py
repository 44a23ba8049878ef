"""The active expectations of each team as they were last known, for the time when the database is away.

They lie in a NATS key-value bucket, so that an api that has just started knows them too, and every replica the same. A
team is one value, compressed: of a team whose expectations do not fit into a message the newest are kept.
"""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypedDict

import asyncpg
import nats.errors
import orjson
import structlog
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from rte_api import pagination
from rte_api.expectations import listing
from rte_api.expectations.listing import ListQuery
from rte_common.auth import Member
from rte_common.database import Database, DatabaseAway
from rte_common.jetstream import Broker

log = structlog.get_logger(__name__)

BUCKET = "EXPECTATIONS_FALLBACK"
MAX_AGE_SECONDS = 7 * 24 * 3600
"""Age at which the broker drops the value of a team that nobody has read or changed."""
PAUSE_SECONDS = 1
"""Time between two saves: a busy team costs one read a second."""
MAX_PAUSE_SECONDS = 10
"""Longest time between two saves, after failures."""
MAX_ITEMS = 5_000
MAX_VALUE_BYTES = 1_000_000
"""Size of a value: the broker takes messages of up to 1 MiB. 5,000 items of usual titles are 775 KB."""
MAX_MEMORY_BYTES = 64 * 1024 * 1024
SHARED_SECONDS = 2
"""Time for which a snapshot that was fetched serves everybody who asks for it: in an outage they come together."""
FETCH_SECONDS = 2

FAILURES = (DatabaseAway, asyncpg.PostgresError, nats.errors.Error, OSError)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A team's active expectations at `as_of`, newest first; there were more unless it is `complete`."""

    as_of: datetime
    complete: bool
    items: list[Any]

    def encode(self) -> bytes:
        """The snapshot as a value of the bucket; of what does not fit the oldest items are left out."""
        value = zlib.compress(orjson.dumps(self))
        if len(value) <= MAX_VALUE_BYTES or not self.items:
            return value
        fitting = min(len(self.items) * MAX_VALUE_BYTES // len(value), len(self.items) - 1)
        return Snapshot(self.as_of, False, self.items[:fitting]).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Snapshot":
        """The snapshot in a value of the bucket."""
        fields = orjson.loads(zlib.decompress(value))
        return cls(datetime.fromisoformat(fields["as_of"]), fields["complete"], fields["items"])

    def page(self, query: ListQuery) -> dict[str, Any] | None:
        """The page that answers the query; None where it would be of what was not saved."""
        found = list(islice(self._matching(query), query.limit + 1))
        page = pagination.page(found, query.limit, "created_at")
        if not self.complete and page["next_cursor"] is None:
            if not found:
                return None
            oldest = self.items[-1]  # not the end: who asks for more learns that it is not known
            page["next_cursor"] = pagination.encode((oldest["created_at"], oldest["id"]))
        return page | {"as_of": self.as_of}

    def _matching(self, query: ListQuery) -> Iterator[dict[str, Any]]:
        """What the SQL of the list says, for items that were saved."""
        after = pagination.decode(query.cursor) if query.cursor else listing.BEFORE_ALL
        position = after[0], str(after[1])
        for item in self.items:
            created = datetime.fromisoformat(item["created_at"])
            if (
                query.user_id in (None, item["user_id"])
                and (query.from_ is None or created >= query.from_)
                and (query.to is None or created < query.to)
                and (created, item["id"]) < position
            ):
                yield item


class Fallback:
    """Saves snapshots of the teams that change, and gives them back when the database does not answer."""

    def __init__(self, database: Database, broker: Broker, stream_replicas: int) -> None:
        self._database = database
        self._broker = broker
        self._stream_replicas = stream_replicas
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_size = 0
        self._fetches: OrderedDict[str, tuple[float, asyncio.Task[Snapshot | None]]] = OrderedDict()

    def schedule(self, team_id: str) -> None:
        """Have the team saved soon."""
        self._changed.add(team_id)
        self._wake.set()

    async def run(self) -> None:
        """Save the teams that are scheduled, until cancelled."""
        await self._broker.ready()
        pause = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            teams, self._changed = self._changed, set()
            failures: dict[str, Exception] = {}
            for team_id in teams:
                try:
                    await self._save(team_id)
                except KeyWrongLastSequenceError:  # another replica was faster, perhaps with older rows
                    self.schedule(team_id)
                except FAILURES as error:
                    failures[team_id] = error
                    self.schedule(team_id)
            if failures:
                one = next(iter(failures))
                log.warning("fallback_not_saved", teams=len(failures), team_id=one, error=repr(failures[one]))
            pause = min(MAX_PAUSE_SECONDS, 2 * pause) if failures and pause else PAUSE_SECONDS
            await asyncio.sleep(pause)

    async def page(self, member: Member, query: ListQuery) -> dict[str, Any] | None:
        """The page as it was at `as_of`; None when that is not known."""
        snapshot = await asyncio.shield(self._fetch(member.team_id))
        return None if snapshot is None else snapshot.page(query)

    async def _save(self, team_id: str) -> None:
        if not self._broker.client.is_connected:
            self._remember(team_id, await self._read(team_id))  # should the database follow, it is known here
            raise nats.errors.ConnectionClosedError
        bucket = await self._bucket()
        revision = await _revision(bucket, team_id)
        value = await self._read(team_id)
        self._remember(team_id, value)
        await bucket.update(team_id, value, revision)

    async def _read(self, team_id: str) -> bytes:
        reader = Member("", team_id, "member", "", 0)  # the policies ask for the team alone
        everything = ListQuery.model_construct(limit=MAX_ITEMS)  # more than a caller may ask for at once
        as_of = datetime.now(UTC)
        page = await listing.page(self._database, reader, everything)
        snapshot = Snapshot(as_of, page["next_cursor"] is None, page["items"])
        return await asyncio.to_thread(snapshot.encode)  # megabytes take a tenth of a second

    def _fetch(self, team_id: str) -> asyncio.Task[Snapshot | None]:
        """The team's snapshot, fetched once for all who ask within SHARED_SECONDS."""
        now = asyncio.get_running_loop().time()
        while self._fetches:
            oldest = next(iter(self._fetches))
            if self._fetches[oldest][0] > now:
                break
            del self._fetches[oldest]
        if team_id not in self._fetches:
            self._fetches[team_id] = now + SHARED_SECONDS, asyncio.create_task(self._load(team_id))
        return self._fetches[team_id][1]

    async def _load(self, team_id: str) -> Snapshot | None:
        value = self._memory.get(team_id)
        if self._broker.client.is_connected:  # before the first connection nats-py knows no other answer than a failure
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    bucket = await self._bucket()
                    value = (await bucket.get(team_id)).value
            except KeyNotFoundError:
                return None
            except (TimeoutError, nats.errors.Error) as error:  # NATS is away as well
                log.info("fallback_from_memory", team_id=team_id, error=repr(error))
        return await asyncio.to_thread(Snapshot.decode, value) if value else None

    def _remember(self, team_id: str, value: bytes) -> None:
        self._memory_size += len(value) - len(self._memory.pop(team_id, b""))
        self._memory[team_id] = value
        while self._memory_size > MAX_MEMORY_BYTES and len(self._memory) > 1:
            self._memory_size -= len(self._memory.popitem(last=False)[1])

    async def _bucket(self) -> KeyValue:
        try:
            return await self._broker.jetstream.key_value(BUCKET)
        except NotFoundError:
            config = KeyValueConfig(bucket=BUCKET, history=1, replicas=self._stream_replicas, ttl=MAX_AGE_SECONDS)
            return await self._broker.jetstream.create_key_value(config)


class FallbackState(TypedDict):
    """Part of the api's state that lists need while the database is away."""

    fallback: Fallback


async def _revision(bucket: KeyValue, team_id: str) -> int:
    """Revision of the team's value: 0 when there is none."""
    try:
        entry = await bucket.get(team_id)
    except KeyNotFoundError:
        return 0
    return entry.revision or 0
