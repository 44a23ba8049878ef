"""Reads that a team shares come from memory, and are never older than the event takes."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from prometheus_client import REGISTRY

from rte_api.cache import MAX_BYTES, MAX_TEAM_RESPONSES, MAX_TEAMS, CachedResponse, TeamCache
from rte_common.jetstream import connect
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats
from rte_devstack.testing import Broker, Database

from .running import Api, StartApi, Team


@pytest.fixture
async def cache(nats_server: Broker) -> AsyncIterator[TeamCache]:
    """A cache that hears the events."""
    async with connect(NatsSettings(nats_url=(nats_server.url,)), name="test") as broker:
        cache = TeamCache(broker)
        await cache.run()
        yield cache


def lookups(outcome: str) -> float:
    """How many reads ended that way."""
    return REGISTRY.get_sample_value("rte_cache_lookups_total", {"outcome": outcome}) or 0


async def eventually(client: httpx.AsyncClient, wanted: list[str]) -> None:
    """Return once the list is as wanted; TimeoutError after five seconds."""
    async with asyncio.timeout(5):
        while await titles(client) != wanted:
            pass


async def titles(client: httpx.AsyncClient) -> list[str]:
    return [item["title"] for item in (await client.get("/expectations")).json()["items"]]


async def test_lists_may_be_kept_and_are_asked_about_each_time(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "a"})
    for question in ("status=active", "status=completed", "status=archived", ""):
        fresh = await alex.get(f"/expectations?{question}")
        kept = await alex.get(f"/expectations?{question}")
        known = await alex.get(f"/expectations?{question}", headers={"if-none-match": fresh.headers["etag"]})
        assert fresh.headers["cache-control"] == "private, no-cache"
        assert (kept.headers["etag"], kept.content) == (fresh.headers["etag"], fresh.content)
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", fresh.headers["etag"])
    for path in ("/me", "/team/members"):
        assert (await alex.get(path)).headers["cache-control"] == "no-store"


async def test_hits_and_misses_are_counted(start_api: StartApi, team: Team) -> None:
    api = await start_api()
    await api.becomes(cache="ok")
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    hits, misses = lookups("hit"), lookups("miss")
    for client in (alex, maria, alex):
        await client.get("/expectations")

    assert (lookups("hit") - hits, lookups("miss") - misses) == (2, 1)


async def test_ones_own_write_is_seen_at_once_and_on_other_replicas_with_the_event(
    start_api: StartApi, team: Team
) -> None:
    here, there = await start_api(), await start_api()
    await here.becomes(cache="ok")
    await there.becomes(cache="ok")
    alex, maria = await here.member(team, "alex"), await there.member(team, "maria")
    assert await titles(alex) == await titles(maria) == []
    for title in ("first", "second", "third"):
        published = (await alex.post("/expectations", json={"title": title})).json()
        assert await titles(alex) == [title]
        await eventually(maria, [title])
        await alex.post(f"/expectations/{published['id']}/complete")
        assert await titles(alex) == []
        await eventually(maria, [])


async def test_a_change_by_hand_is_seen_with_its_event(start_api: StartApi, team: Team, postgres: Database) -> None:
    api = await start_api()
    await api.becomes(cache="ok")
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "by the api"})
    assert await titles(alex) == ["by the api"]
    postgres.execute("update expectations set title = 'by hand'")

    await eventually(alex, ["by hand"])


async def test_nothing_is_kept_while_events_cannot_arrive(
    start_api: StartApi, team: Team, private_nats: Callable[[], Nats], postgres: Database
) -> None:
    server = private_nats()
    api = await start_api(nats_url=server.url)
    await api.becomes(cache="ok")
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "before"})
    assert await titles(alex) == ["before"]
    server.stop()
    await api.becomes(nats="not connected", cache="events do not arrive")
    postgres.execute("update expectations set title = 'while NATS is away'")
    during = await titles(alex)
    postgres.execute("update expectations set title = 'still away'")

    assert during == ["while NATS is away"]
    assert await titles(alex) == ["still away"]
    server.start()
    await api.becomes(cache="ok")
    assert await titles(alex) == ["still away"]
    assert len({(await alex.get("/expectations")).headers["etag"] for _ in range(3)}) == 1


async def test_the_cache_stays_within_its_bounds(cache: TeamCache) -> None:
    for n in range(MAX_TEAMS + 10):
        generation = cache.generation(f"org_{n}")
        assert generation is not None
        for query in range(MAX_TEAM_RESPONSES + 5):
            cache.put(f"org_{n}", generation, b"%d" % query, CachedResponse.of(bytes(2_000)))

    assert cache.teams <= MAX_TEAMS
    assert MAX_BYTES * 0.9 < cache.size <= MAX_BYTES


async def test_what_is_asked_for_stays_and_what_is_dropped_is_counted(cache: TeamCache) -> None:
    popular = cache.generation("org_popular")
    assert popular is not None
    cache.put("org_popular", popular, b"popular", CachedResponse.of(bytes(100)))
    for n in range(MAX_TEAM_RESPONSES + 5):
        cache.put("org_popular", popular, b"%d" % n, CachedResponse.of(bytes(100)))
        assert cache.get(popular, b"popular") is not None
    for n in range(MAX_TEAMS + 5):
        cache.generation(f"org_{n}")
        assert cache.generation("org_popular") is popular
    size = REGISTRY.get_sample_value("rte_cache_bytes")
    cache.expire("org_popular")

    assert size == 100 * MAX_TEAM_RESPONSES
    assert REGISTRY.get_sample_value("rte_cache_bytes") == 0


async def test_a_response_that_was_read_before_a_change_is_not_cached_after_it(cache: TeamCache) -> None:
    before = cache.generation("org_1")
    assert before is not None
    cache.expire("org_1")
    cache.put("org_1", before, b"", CachedResponse.of(b"old"))
    after = cache.generation("org_1")

    assert after is not None
    assert cache.get(after, b"") is None
