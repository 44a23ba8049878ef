"""Without its database the api still says what the team is on; without NATS nothing is missing but speed."""

import asyncio
import contextlib
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import nats
import psutil
import pytest
from nats.js.errors import KeyNotFoundError, NotFoundError

from rte_api.expectations.fallback import BUCKET
from rte_devstack.postgres import Postgres
from rte_devstack.testing import Broker, Database

from .running import PROBLEM, StartApi, StartOn, Team


async def saved(nats_url: str, team: Team, title: str) -> None:
    """Return once the team's last known state has that title."""
    client = await nats.connect(nats_url)
    try:
        async with asyncio.timeout(10):
            state = b""
            while title.encode() not in state:
                with contextlib.suppress(NotFoundError, KeyNotFoundError):
                    bucket = await client.jetstream().key_value(BUCKET)
                    value = (await bucket.get(team.id)).value
                    state = zlib.decompress(value) if value else b""
    finally:
        await client.close()


def items(answer: httpx.Response) -> list[Any]:
    return [(item["title"], item["user"]["name"]) for item in answer.json()["items"]]


async def test_without_the_database_the_last_known_state_is_served_also_after_a_restart(
    start_on: StartOn, private_postgres: Postgres, nats_server: Broker
) -> None:
    api = await start_on(private_postgres)
    team = Team.made(api.database, alex="admin", maria="member")
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    await alex.post("/expectations", json={"title": "of Alex"})
    await maria.post("/expectations", json={"title": "of Maria"})
    await saved(nats_server.url, team, "of Maria")
    private_postgres.stop()
    restarted = await start_on(private_postgres)
    ready = await restarted.ready()
    for running in (api, restarted):
        client = await running.member(team, "alex")
        known = await client.get("/expectations?limit=50")
        assert (known.status_code, items(known)) == (200, [("of Maria", "Maria"), ("of Alex", "Alex")])
        assert known.json()["as_of"] is not None
        assert known.headers["cache-control"] == "no-store"
        first = await client.get("/expectations?limit=1")
        second = await client.get("/expectations", params={"limit": 1, "cursor": first.json()["next_cursor"]})
        assert items(first) + items(second) == items(known)
        assert items(await client.get("/expectations?user_id=user_maria&limit=49")) == [("of Maria", "Maria")]
        for answer in (
            await client.post("/expectations", json={"title": "lost"}),
            await client.get("/expectations?status=completed"),
            await client.get("/me"),
        ):
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-away")
            assert answer.headers["content-type"] == PROBLEM
            assert answer.headers["retry-after"] == "5"
    private_postgres.start()
    after = await alex.get("/expectations?limit=48")

    assert ready.status_code == 200, "the proxy goes on sending requests"
    assert ready.json()["checks"]["database"] != "ok"
    assert after.json()["as_of"] is None
    assert items(after) == [("of Maria", "Maria"), ("of Alex", "Alex")]


async def test_a_database_that_hangs_keeps_one_request_waiting_and_not_all(
    start_on: StartOn, private_postgres: Postgres, nats_server: Broker
) -> None:
    api = await start_on(private_postgres, database_timeout_seconds=2)
    team = Team.made(api.database, alex="admin")
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "before it hung"})
    await saved(nats_server.url, team, "before it hung")
    loop = asyncio.get_running_loop()
    server = psutil.Process(private_postgres.pid)
    programs = [server, *server.children(recursive=True)]
    for program in programs:
        program.suspend()  # as behind a pooler, or a network that swallows packets
    try:
        began = loop.time()
        known = [await alex.get("/expectations", params={"limit": limit}) for limit in range(1, 9)]
        seconds = loop.time() - began
    finally:
        for program in programs:
            program.resume()
    async with asyncio.timeout(20):
        while (await alex.get("/expectations?limit=20")).json()["as_of"] is not None:
            await asyncio.sleep(0.05)  # the database tells no events

    assert [answer.status_code for answer in known] == [200] * 8
    assert all(answer.json()["as_of"] for answer in known)
    assert seconds < 4 * 2, "each waited for itself"


async def test_a_database_that_only_reads_is_read_and_refuses_writes_as_a_whole(
    start_on: StartOn, private_postgres: Postgres
) -> None:
    api = await start_on(private_postgres)
    team = Team.made(api.database, alex="admin")
    alex = await api.member(team, "alex")
    published = (await alex.post("/expectations", json={"title": "before"})).json()
    url = f"/expectations/{published['id']}"
    switch = "alter system set default_transaction_read_only = {};"
    api.database.execute(switch.format("on"))
    api.database.execute("select pg_reload_conf()")
    refused = [
        await alex.post(f"{url}/complete", headers={"idempotency-key": "k"}),
        await alex.patch(url, json={"title": "after"}),
        await alex.delete(url),
        await alex.post("/exports", json={"format": "csv"}),
    ]
    read = await alex.get(url)
    api.database.execute(switch.format("off"))
    api.database.execute("select pg_reload_conf()")

    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-read-only")
        assert answer.headers["retry-after"] == "5"
    assert (read.status_code, read.json()["title"], read.json()["version"]) == (200, "before", 1)


async def test_a_state_that_could_not_be_saved_is_saved_later_and_nothing_else_suffers(
    start_on: StartOn, private_postgres: Postgres, nats_server: Broker
) -> None:
    api = await start_on(private_postgres)
    team = Team.made(api.database, alex="admin")
    alex = await api.member(team, "alex")
    # Any error of the database would do, like a deadlock.
    api.database.execute("revoke execute on all functions in schema rte from rte_api")
    await alex.post("/expectations", json={"title": "while it fails"})
    async with asyncio.timeout(10):
        while "permission denied for function list_expectations" not in private_postgres.log.read_text():
            await asyncio.sleep(0.02)  # a log tells no events
    api.database.execute("grant execute on all functions in schema rte to rte_api")

    await saved(nats_server.url, team, "while it fails")
    assert (await api.ready()).status_code == 200


async def test_with_neither_database_nor_nats_since_the_start_lists_are_a_503(
    start_api: StartApi, team: Team, reserve_port: Callable[[], int]
) -> None:
    nobody = f"127.0.0.1:{reserve_port()}"
    api = await start_api(nats_url=f"nats://{nobody}", database_url=f"postgresql://rte_api:x@{nobody}/rte")
    await api.becomes(clerk="ok", nats="not connected")
    alex = await api.member(team, "alex")
    answer = await alex.get("/expectations")

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-away")


@pytest.mark.parametrize("wrong", [{"path": "/nowhere"}, {"password": "wrong"}])
async def test_a_database_that_never_let_it_in_is_a_503_and_makes_it_unready(
    start_api: StartApi, postgres: Database, team: Team, wrong: dict[str, str]
) -> None:
    address = urlsplit(postgres.url("rte_api"))
    if "password" in wrong:
        wrong = {"netloc": f"rte_api:{wrong['password']}@{address.hostname}:{address.port}"}
    api = await start_api(database_url=address._replace(**wrong).geturl())
    alex = await api.member(team, "alex")
    answer = await alex.get("/me")

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-away")
    await api.becomes(clerk="ok", nats="ok")
    assert (await api.ready()).status_code == 503


async def test_nothing_known_of_a_team_is_a_503_and_not_an_empty_list(
    start_on: StartOn, private_postgres: Postgres
) -> None:
    api = await start_on(private_postgres)
    private_postgres.stop()
    stranger = await api.member(Team("org_never_seen", {}), "nora")
    answer = await stranger.get("/expectations")

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-away")
