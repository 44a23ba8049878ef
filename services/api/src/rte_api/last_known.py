"""The last known active expectations of each team, for the time when the database is away.

Kept in a NATS key-value bucket, so that an api that has just started knows them too, and every replica the same.
"""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import asyncpg
import nats.errors
import orjson
import structlog
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from rte_api import pages
from rte_api.expectations import listing
from rte_api.expectations.listing import Question
from rte_common.auth import Member
from rte_common.database import Database, DatabaseAway
from rte_common.jetstream import Broker

log = structlog.get_logger(__name__)

BUCKET = "ACTIVE_EXPECTATIONS"
PAUSE_SECONDS = 1
"""Between two looks at which teams have changed: a busy team costs one read a second."""
MOST_ITEMS = 500
MOST_BYTES = 900_000
"""The broker takes messages of up to 1 MiB."""
REMEMBERED_TEAMS = 1_000


class LastKnown:
    """Saves what teams were on, and gives it back when the database does not."""

    def __init__(self, database: Database, broker: Broker, replicas: int) -> None:
        self._database = database
        self._broker = broker
        self._replicas = replicas
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._memory: OrderedDict[str, bytes] = OrderedDict()

    def changed(self, team_id: str) -> None:
        """Have the team's expectations saved soon."""
        self._changed.add(team_id)
        self._wake.set()

    async def run(self) -> None:
        """Save the teams that have changed, until cancelled."""
        await self._broker.ready()
        while True:
            await self._wake.wait()
            self._wake.clear()
            teams, self._changed = self._changed, set()
            for team_id in teams:
                try:
                    await self._save(team_id)
                except (DatabaseAway, asyncpg.PostgresError, nats.errors.Error) as error:
                    log.warning("last_known_not_saved", team_id=team_id, error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)

    async def page(self, member: Member, question: Question) -> dict[str, Any] | None:
        """The page as it was at `as_of`; None when nothing is known of the team."""
        state = await self._load(member.team_id)
        if state is None:
            return None
        items = [item for item in state["items"] if _wanted(item, question)]
        return pages.page(items, question.limit, "created_at") | {"as_of": state["as_of"]}

    async def _save(self, team_id: str) -> None:
        reader = Member("", team_id, "member", "", 0)  # the policies ask for the team alone
        everything = Question.model_construct(limit=MOST_ITEMS)  # more than a caller may ask for at once
        page = await listing.page(self._database, reader, everything)
        items = page["items"]
        while len(body := orjson.dumps({"as_of": datetime.now(UTC), "items": items})) > MOST_BYTES:
            items = items[: len(items) // 2]
        self._remember(team_id, body)
        await (await self._bucket()).put(team_id, body)

    async def _load(self, team_id: str) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(1):
                entry = await (await self._bucket()).get(team_id)
            body = entry.value
        except KeyNotFoundError:
            return None
        except (TimeoutError, nats.errors.Error):  # NATS is away as well
            body = self._memory.get(team_id)
        state: dict[str, Any] | None = orjson.loads(body) if body else None
        return state

    def _remember(self, team_id: str, body: bytes) -> None:
        self._memory[team_id] = body
        self._memory.move_to_end(team_id)
        if len(self._memory) > REMEMBERED_TEAMS:
            self._memory.popitem(last=False)

    async def _bucket(self) -> KeyValue:
        try:
            return await self._broker.jetstream.key_value(BUCKET)
        except NotFoundError:
            config = KeyValueConfig(bucket=BUCKET, history=1, replicas=self._replicas)
            return await self._broker.jetstream.create_key_value(config)


def _wanted(item: dict[str, Any], question: Question) -> bool:
    """What the SQL of the list says, for an item that was kept."""
    created = datetime.fromisoformat(item["created_at"])
    after = pages.decode(question.cursor) if question.cursor else None
    return (
        question.user_id in (None, item["user_id"])
        and (question.from_ is None or created >= question.from_)
        and (question.to is None or created < question.to)
        and (after is None or (created, item["id"]) < (after[0], str(after[1])))
    )
