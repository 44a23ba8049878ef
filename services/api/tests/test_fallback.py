"""The fallback of a team is the newest, all of it or honest about the rest, and answers in bounded time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from rte_api.expectations import fallback, schemas
from rte_api.expectations.fallback import Fallback, Snapshot
from rte_api.expectations.listing import ListQuery
from rte_common import database, jetstream
from rte_common.auth import Member
from rte_common.jetstream import Broker
from rte_common.process import background
from rte_common.settings import DatabaseSettings, NatsSettings
from rte_devstack import testing
from rte_devstack.nats import Nats

from .running import Team

NAMES = tuple(f"member{n:02}" for n in range(20))


class Replica(Fallback):
    """One of several that save, which may be held up between reading and saving."""

    def __init__(self, db: database.Database, broker: Broker) -> None:
        super().__init__(db, broker, 1)
        self.broker = broker
        self.has_read = asyncio.Semaphore(0)
        self.may_save = asyncio.Event()
        self.may_save.set()

    async def _read(self, team_id: str) -> bytes:
        body = await super()._read(team_id)
        self.has_read.release()
        await self.may_save.wait()
        return body


@pytest.fixture
async def replicas(
    postgres: testing.Database, nats_server: testing.Broker, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two that run."""
    monkeypatch.setattr(fallback, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(fallback, "SHARED_SECONDS", 0)
    async with AsyncExitStack() as stack:

        async def replica() -> Replica:
            settings = DatabaseSettings(database_url=postgres.url("rte_api"))
            db = await stack.enter_async_context(database.connect(settings, application_name="test"))
            nats = NatsSettings(nats_url=(nats_server.url,))
            broker = await stack.enter_async_context(jetstream.connect(nats, name="test"))
            await broker.ready()
            return Replica(db, broker)

        one, two = await replica(), await replica()
        async with background(one.run(), two.run()):
            yield one, two


@pytest.fixture
def many(postgres: testing.Database) -> Team:
    """Twenty who are each on something."""
    team = Team.made(postgres, **dict.fromkeys(NAMES, "member"))
    postgres.execute(
        "insert into expectations (team_id, user_id, title, created_at)"
        f" select team_id, user_id, 'of ' || user_id, now() - row_number() over (order by user_id) * interval '1 s'"
        f" from memberships where team_id = '{team.id}'"
    )
    return team


async def pages(known: Fallback, team: Team, **query: Any) -> AsyncIterator[dict[str, Any] | None]:
    """The pages of the last known list, until its end or what is not known."""
    reader = Member("user_reader", team.id, "member", "sess_1", 0)
    while True:
        page = await known.page(reader, ListQuery(**query))
        yield page
        if page is None or page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


async def titles(known: Fallback, team: Team, **query: Any) -> list[str | None]:
    """Of all pages; None last when it is not known what comes."""
    found: list[str | None] = []
    async for page in pages(known, team, **query):
        found += [item["title"] for item in page["items"]] if page else [None]
    return found


async def until_known(known: Fallback, team: Team, wanted: list[str | None], **query: Any) -> None:
    """Return once the last known list is as wanted; TimeoutError after ten seconds."""
    async with asyncio.timeout(10):
        while await titles(known, team, **query) != wanted:
            pass


async def test_of_a_team_that_does_not_fit_into_a_message_the_newest_are_known_and_the_list_does_not_end(
    replicas: tuple[Replica, Replica], many: Team, postgres: testing.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = replicas
    here.schedule(many.id)
    await until_known(there, many, [f"of user_{name}" for name in NAMES], limit=7)
    monkeypatch.setattr(fallback, "MAX_VALUE_BYTES", 600)
    postgres.execute("update expectations set title = 'newer'")
    here.schedule(many.id)
    async with asyncio.timeout(10):
        while (await titles(there, many, limit=7))[-1] is not None:
            pass
    known = await titles(there, many, limit=7)

    assert 1 < len(known) <= len(NAMES)
    assert set(known[:-1]) == {"newer"}


def test_five_thousand_expectations_fit_into_a_message() -> None:
    chance = random.Random(1)
    words = [f"{chance.getrandbits(40):x}" for _ in range(2_000)]
    items = [
        schemas.EXAMPLE
        | {
            "id": str(UUID(int=chance.getrandbits(128))),
            "user_id": f"user_{chance.getrandbits(128):x}",
            "title": " ".join(chance.choices(words, k=5)),
            "created_at": datetime.fromtimestamp(chance.uniform(1e9, 2e9), UTC).isoformat(),
        }
        for _ in range(fallback.MAX_ITEMS)
    ]
    value = Snapshot(datetime.now(UTC), True, items).encode()

    assert len(value) < fallback.MAX_VALUE_BYTES
    assert Snapshot.decode(value).items == items


async def test_where_more_was_active_than_is_saved_the_list_does_not_end(
    replicas: tuple[Replica, Replica], many: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "MAX_ITEMS", 3)
    here, there = replicas
    here.schedule(many.id)
    known: list[str | None] = [f"of user_{name}" for name in NAMES[:3]]

    await until_known(there, many, [*known, None], limit=2)
    assert await titles(there, many, limit=3) == [*known, None]
    assert await titles(there, many, user_id="user_member09") == [None]


async def test_in_an_outage_a_state_is_fetched_once_for_all_who_ask(
    replicas: tuple[Replica, Replica], many: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = replicas
    here.schedule(many.id)
    await until_known(here, many, [f"of user_{name}" for name in NAMES])
    monkeypatch.setattr(fallback, "SHARED_SECONDS", 60)
    assert await titles(there, many, limit=20)
    sent = there.broker.client.stats["out_msgs"]
    answers = await asyncio.gather(*(titles(there, many, limit=7) for _ in range(100)))

    assert {len(answer) for answer in answers} == {len(NAMES)}
    assert there.broker.client.stats["out_msgs"] == sent


async def test_until_nats_is_reached_only_the_memory_is_asked(postgres: testing.Database, many: Team) -> None:
    settings = DatabaseSettings(database_url=postgres.url("rte_api"))
    async with database.connect(settings, application_name="test") as db:
        unconnected = Fallback(db, Broker(NatsSettings(nats_url=("nats://127.0.0.1:1",))), 1)

        assert await titles(unconnected, many) == [None]


async def test_what_changes_while_nats_is_away_is_known_to_the_replica_that_saw_it(
    postgres: testing.Database, many: Team, private_nats: Callable[[], Nats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "SHARED_SECONDS", 0)
    settings = DatabaseSettings(database_url=postgres.url("rte_api"))
    server = private_nats()
    async with (
        database.connect(settings, application_name="test") as db,
        jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker,
    ):
        await broker.ready()
        replica = Replica(db, broker)
        async with background(replica.run()):
            server.stop()
            async with asyncio.timeout(10):
                while broker.client.is_connected:  # nats-py tells no events
                    await asyncio.sleep(0.01)
            replica.schedule(many.id)
            async with asyncio.timeout(10):
                await replica.has_read.acquire()
            await until_known(replica, many, [f"of user_{name}" for name in NAMES])


async def test_of_two_replicas_that_save_at_once_the_newer_state_stays(
    replicas: tuple[Replica, Replica], many: Team, postgres: testing.Database
) -> None:
    slow, fast = replicas
    slow.may_save.clear()
    slow.schedule(many.id)
    await slow.has_read.acquire()
    postgres.execute("update expectations set title = 'newer'")
    fast.schedule(many.id)
    await until_known(fast, many, ["newer"] * len(NAMES))
    slow.may_save.set()
    async with asyncio.timeout(10):
        await slow.has_read.acquire()  # its older state was refused: it reads again

    assert await titles(fast, many) == ["newer"] * len(NAMES)
