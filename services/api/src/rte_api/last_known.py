"""The last known active expectations of each team, for the time when the database is away.

Kept in a NATS key-value bucket, so that an api that has just started knows them too, and every replica the same. A
state that is larger than a message lies in parts beside its key, which then names them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

import asyncpg
import nats.errors
import orjson
import structlog
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from rte_api import pages
from rte_api.expectations import listing
from rte_api.expectations.listing import Question
from rte_common.auth import Member
from rte_common.database import Database, DatabaseAway
from rte_common.jetstream import Broker

log = structlog.get_logger(__name__)

BUCKET = "ACTIVE_EXPECTATIONS"
KEPT_SECONDS = 7 * 24 * 3600
"""After which the broker forgets a team that nobody has read or changed."""
PAUSE_SECONDS = 1
"""Between two looks at which teams have changed, for each part of the largest: a busy team costs one read a second."""
LONGEST_PAUSE_SECONDS = 10
"""The same after failures, and for a team in many parts."""
MOST_ITEMS = 10_000
MOST_BYTES = 900_000
"""Of one part: the broker takes messages of up to 1 MiB."""
REMEMBERED_BYTES = 64 * 1024 * 1024
SHARED_SECONDS = 2
"""How long a state that was fetched serves everybody who asks for it: in an outage they come together."""
FETCH_SECONDS = 2

FAILURES = (DatabaseAway, asyncpg.PostgresError, nats.errors.Error, OSError)


@dataclass(frozen=True, slots=True)
class State:
    """What a team was on at `as_of`, newest first; there was more unless it is `complete`."""

    as_of: str
    complete: bool
    items: list[dict[str, Any]]

    def page(self, question: Question) -> dict[str, Any] | None:
        """The page; None where it would be of what was not saved."""
        found = list(islice(self._wanted(question), question.limit + 1))
        page = pages.page(found, question.limit, "created_at")
        if not self.complete and page["next_cursor"] is None:
            if not found:
                return None
            oldest = self.items[-1]  # not the end: who asks for more learns that it is not known
            page["next_cursor"] = pages.encode((oldest["created_at"], oldest["id"]))
        return page | {"as_of": self.as_of}

    def _wanted(self, question: Question) -> Iterator[dict[str, Any]]:
        """What the SQL of the list says, for items that were kept."""
        after = pages.decode(question.cursor) if question.cursor else listing.BEFORE_ALL
        position = after[0], str(after[1])
        for item in self.items:
            created = datetime.fromisoformat(item["created_at"])
            if (
                question.user_id in (None, item["user_id"])
                and (question.from_ is None or created >= question.from_)
                and (question.to is None or created < question.to)
                and (created, item["id"]) < position
            ):
                yield item


class LastKnown:
    """Saves what teams were on, and gives it back when the database does not."""

    def __init__(self, database: Database, broker: Broker, replicas: int) -> None:
        self._database = database
        self._broker = broker
        self._replicas = replicas
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_size = 0
        self._fetches: OrderedDict[str, tuple[float, asyncio.Task[State | None]]] = OrderedDict()

    def changed(self, team_id: str) -> None:
        """Have the team's expectations saved soon."""
        self._changed.add(team_id)
        self._wake.set()

    async def run(self) -> None:
        """Save the teams that have changed, until cancelled."""
        await self._broker.ready()
        pause = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            teams, self._changed = self._changed, set()
            parts = 1
            failures: dict[str, Exception] = {}
            for team_id in teams:
                try:
                    parts = max(parts, await self._save(team_id))
                except KeyWrongLastSequenceError:  # another replica was faster, perhaps with older rows
                    self.changed(team_id)
                except FAILURES as error:
                    failures[team_id] = error
                    self.changed(team_id)
            if failures:
                one = next(iter(failures))
                log.warning("last_known_not_saved", teams=len(failures), team_id=one, error=repr(failures[one]))
            pause = min(LONGEST_PAUSE_SECONDS, 2 * pause if failures and pause else PAUSE_SECONDS * parts)
            await asyncio.sleep(pause)

    async def page(self, member: Member, question: Question) -> dict[str, Any] | None:
        """The page as it was at `as_of`; None when that is not known."""
        state = await asyncio.shield(self._fetch(member.team_id))
        return None if state is None else state.page(question)

    async def _save(self, team_id: str) -> int:
        """Save the team's expectations; return in how many parts."""
        if not self._broker.client.is_connected:
            self._remember(team_id, await self._read(team_id))  # should the database follow, they are known here
            raise nats.errors.ConnectionClosedError
        bucket = await self._bucket()
        before, revision = await _saved(bucket, team_id)
        body = await self._read(team_id)
        self._remember(team_id, body)
        parts = [body[start : start + MOST_BYTES] for start in range(0, len(body), MOST_BYTES)]
        if len(parts) == 1:
            await bucket.update(team_id, body, revision)
        else:
            # Names of their own: another replica may be writing too, and readers still have the old ones.
            head: dict[str, Any] = {"folder": f"{team_id}.{uuid4().hex}", "parts": len(parts)}
            for key, part in zip(_keys(head), parts, strict=True):
                await bucket.put(key, part)
            try:
                await bucket.update(team_id, orjson.dumps(head), revision)
            except KeyWrongLastSequenceError:
                await self._remove_parts(head)
                raise
        if old := _head(before):
            await self._remove_parts(old)
        return len(parts)

    async def _read(self, team_id: str) -> bytes:
        reader = Member("", team_id, "member", "", 0)  # the policies ask for the team alone
        everything = Question.model_construct(limit=MOST_ITEMS)  # more than a caller may ask for at once
        page = await listing.page(self._database, reader, everything)
        complete = page["next_cursor"] is None
        return orjson.dumps({"as_of": datetime.now(UTC), "complete": complete, "items": page["items"]})

    def _fetch(self, team_id: str) -> asyncio.Task[State | None]:
        """The team's state, fetched once for all who ask within SHARED_SECONDS."""
        now = asyncio.get_running_loop().time()
        while self._fetches:
            oldest = next(iter(self._fetches))
            if self._fetches[oldest][0] > now:
                break
            del self._fetches[oldest]
        if team_id not in self._fetches:
            self._fetches[team_id] = now + SHARED_SECONDS, asyncio.create_task(self._load(team_id))
        return self._fetches[team_id][1]

    async def _load(self, team_id: str) -> State | None:
        body = self._memory.get(team_id)
        if self._broker.client.is_connected:  # before the first connection nats-py knows no other answer than a failure
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    body = await self._fetch_body(team_id)
            except KeyNotFoundError:
                return None
            except (TimeoutError, nats.errors.Error) as error:  # NATS is away as well
                log.info("last_known_from_memory", team_id=team_id, error=repr(error))
        if not body:
            return None
        state = orjson.loads(body)
        return State(state["as_of"], state.get("complete", True), state["items"])

    async def _fetch_body(self, team_id: str) -> bytes:
        bucket = await self._bucket()
        body = (await bucket.get(team_id)).value or b""
        head = _head(body)
        if head is None:
            return body
        parts = await asyncio.gather(*(bucket.get(key) for key in _keys(head)))
        return b"".join(part.value or b"" for part in parts)

    async def _remove_parts(self, head: dict[str, Any]) -> None:
        # The stream's own purge: that of the bucket would leave a marker for each key.
        await self._broker.jetstream.purge_stream(f"KV_{BUCKET}", subject=f"$KV.{BUCKET}.{head['folder']}.>")

    def _remember(self, team_id: str, body: bytes) -> None:
        self._memory_size += len(body) - len(self._memory.pop(team_id, b""))
        self._memory[team_id] = body
        while self._memory_size > REMEMBERED_BYTES and len(self._memory) > 1:
            self._memory_size -= len(self._memory.popitem(last=False)[1])

    async def _bucket(self) -> KeyValue:
        try:
            return await self._broker.jetstream.key_value(BUCKET)
        except NotFoundError:
            config = KeyValueConfig(bucket=BUCKET, history=1, replicas=self._replicas, ttl=KEPT_SECONDS)
            return await self._broker.jetstream.create_key_value(config)


async def _saved(bucket: KeyValue, team_id: str) -> tuple[bytes, int]:
    """What is saved under the team's key, and its revision: 0 when there is nothing."""
    try:
        entry = await bucket.get(team_id)
    except KeyNotFoundError:
        return b"", 0
    return entry.value or b"", entry.revision or 0


def _head(value: bytes) -> dict[str, Any] | None:
    """Where the parts are; None when `value` is the state itself."""
    head: dict[str, Any] | None = orjson.loads(value) if value.startswith(b'{"folder":') else None
    return head


def _keys(head: dict[str, Any]) -> list[str]:
    return [f"{head['folder']}.{part}" for part in range(head["parts"])]
