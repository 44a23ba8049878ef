"""Nothing is missed: a client that comes back, to this gateway or another, gets what it missed, in order and once."""

import asyncio
import random
import uuid
from collections.abc import Callable

import nats
import pytest
from websockets.exceptions import WebSocketException

from rte_devstack.nats import Nats
from rte_realtime_gateway.protocol.messages import LOAD_AGAIN, RESUMED
from rte_testkit.bare_client import Bare, bare
from rte_testkit.gateway import Changes, Gateway, Members, StartGateway
from rte_testkit.official_clients import OfficialClient, StartClient
from rte_testkit.proxy import proxied

ALL = [{"event": "*", "schema": "public", "table": "expectations"}]
TOPIC = "expectations:active"
NIGHTLY = [pytest.param(kind, marks=pytest.mark.nightly) for kind in ("js-2.109-vsn1", "js-2.99")]
KINDS = ["python", "js-2.109", "js-2.15", *NIGHTLY]
"""Each takes seconds for its reconnect; what is left to the night differs from the others in the frames only."""


def titles(client: OfficialClient) -> list[str]:
    return [change["new"]["title"] for change in client.all("change")]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_killed_gateway_costs_no_change(
    kind: str, start_gateway: StartGateway, client: StartClient, members: Members, changes: Changes
) -> None:
    gateway = start_gateway()
    token = members.token("user_maria", lifetime=600)
    maria = await client(
        kind, url=gateway.url, topic=TOPIC, token=token, changes=ALL, params={"session": str(uuid.uuid4())}
    )
    await maria.heard("system", message=LOAD_AGAIN)
    await gateway.until_metric("rte_gateway_positions_total", 1)
    await changes.insert(title="before")
    await maria.heard("change")
    await changes.until_had()
    await asyncio.to_thread(gateway.kill)
    for number in range(3):
        await changes.insert(title=f"missed {number}")
    await asyncio.to_thread(gateway.start)
    await maria.subscribed(2)
    await maria.heard("system", message=RESUMED)
    await changes.insert(title="after")
    await maria.heard("change", 5)
    assert titles(maria) == ["before", "missed 0", "missed 1", "missed 2", "after"]


@pytest.mark.parametrize("kind", ["python", "js-2.109"])
async def test_a_client_without_session_is_told_to_load_again(
    kind: str, gateway: Gateway, client: StartClient, members: Members, changes: Changes
) -> None:
    async with proxied(gateway.port) as proxy:
        maria = await client(kind, url=proxy.url, topic=TOPIC, token=members.token("user_maria"), changes=ALL)
        await maria.heard("system", message=LOAD_AGAIN)
        proxy.cut()
        await changes.insert(title="missed")
        await maria.heard("system", 2, message=LOAD_AGAIN)
        await changes.insert(title="after")
        await maria.until(lambda _: "after" in titles(maria))  # and what was not missed, if it was back that soon


@pytest.mark.parametrize("kind", ["python", "js-2.109", "js-2.15"])
async def test_another_replica_goes_on_where_the_first_one_was(
    kind: str, start_gateway: StartGateway, client: StartClient, members: Members, changes: Changes
) -> None:
    first, second = start_gateway(), start_gateway()
    async with proxied(first.port) as proxy:
        session = {"session": str(uuid.uuid4())}
        token = members.token("user_maria", lifetime=600)
        maria = await client(kind, url=proxy.url, topic=TOPIC, token=token, changes=ALL, params=session)
        await maria.heard("system", message=LOAD_AGAIN)
        await first.until_metric("rte_gateway_positions_total", 1)
        await changes.insert(title="on the first")
        await maria.heard("change")
        await changes.until_had()
        proxy.target = second.port
        proxy.cut()
        await changes.insert(title="between")
        await maria.heard("system", message=RESUMED)
        await changes.insert(title="on the second")
        await maria.heard("change", 3)
        assert titles(maria) == ["on the first", "between", "on the second"]
        assert await second.metric("rte_gateway_replays_total", outcome="resumed") == 1


async def test_connections_that_break_at_any_time_lose_nothing(
    gateway: Gateway, members: Members, changes: Changes
) -> None:
    """At least once and in order; what repeats is the unacknowledged end of what came before the break."""
    token, session, total = members.token("user_maria", lifetime=600), str(uuid.uuid4()), 400
    received: list[list[int]] = []
    loop, moment = asyncio.get_running_loop(), random.Random()

    async def listen(client: Bare) -> None:
        received.append([])
        assert (await client.join(token))["status"] == "ok"
        while not received[-1] or received[-1][-1] < total - 1:
            received[-1].append(int((await client.hear("postgres_changes"))["data"]["record"]["title"]))

    async def returning(url: str) -> None:
        while not received or not received[-1] or received[-1][-1] < total - 1:
            try:
                async with bare(url) as client:
                    await listen(client)
            except (WebSocketException, OSError):
                continue

    async with proxied(gateway.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/realtime/v1/websocket?apikey=x&vsn=2.0.0&session={session}"
        positions = await gateway.metric("rte_gateway_positions_total")
        listening = asyncio.create_task(returning(url))
        await gateway.until_metric("rte_gateway_positions_total", positions + 1)
        for number in range(total):
            await changes.insert(title=str(number))
            if number % 23 == 7:
                # Later than this change by a moment in which there are others, a new connection or a join.
                loop.call_later(moment.uniform(0, 0.1), proxy.cut)
        async with asyncio.timeout(30):
            await listening
    assert sum(map(bool, received)) > 3, "connections broke while changes came"
    last = -1
    for part in received:
        assert part == list(range(part[0], part[0] + len(part))) if part else True, "in order within a connection"
        if part:
            assert part[0] <= last + 1, "nothing is lost between two connections"
            last = part[-1]
    assert last == total - 1


@pytest.mark.parametrize("kind", ["python", "js-2.109"])
async def test_a_broker_that_is_away_closes_no_socket_and_loses_no_change(
    kind: str,
    private_nats: Callable[[], Nats],
    start_gateway: StartGateway,
    client: StartClient,
    members: Members,
) -> None:
    broker = private_nats()
    gateway = start_gateway(broker.url)
    maria = await client(kind, url=gateway.url, topic=TOPIC, token=members.token("user_maria"), changes=ALL)
    await maria.heard("system", message=LOAD_AGAIN)
    await asyncio.to_thread(broker.stop)
    async with asyncio.timeout(10):
        while (await gateway.readiness())["checks"]["nats"] == "ok":
            await asyncio.sleep(0.02)
    late = await client(kind, url=gateway.url, topic=TOPIC, token=members.token("user_sophia"), changes=ALL)
    await gateway.until_metric("rte_gateway_channels", 2)
    assert late.all("status") == [], "a join waits until changes flow"
    await asyncio.to_thread(broker.start)
    publisher = await nats.connect(broker.url)
    await Changes(publisher.jetstream()).insert(title="at once after the return")
    await publisher.close()
    await maria.heard("change")
    await late.subscribed()
    assert titles(maria) == ["at once after the return"]
    assert [report["status"] for report in maria.all("status")] == ["SUBSCRIBED"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_drained_gateway_hands_its_clients_over(
    kind: str, start_gateway: StartGateway, client: StartClient, members: Members, changes: Changes
) -> None:
    first, second = start_gateway(DRAIN_SECONDS="2"), start_gateway()
    async with proxied(first.port) as proxy:
        token = members.token("user_maria", lifetime=600)
        session = {"session": str(uuid.uuid4())}
        maria = await client(
            kind,
            url=proxy.url,
            topic=TOPIC,
            token=token,
            changes=ALL,
            params=session,
            config={"presence": {"key": "m"}},
        )
        await maria.heard("system", message=LOAD_AGAIN)
        await maria.do("track", payload={"on": "it"})
        await maria.heard("join", key="m")
        await changes.insert(title="on the first")
        await maria.heard("change")
        proxy.target = second.port
        first.ask_to_stop()
        await maria.heard("system", message=RESUMED)
        await changes.insert(title="on the second")
        await maria.heard("change", 2)
        assert titles(maria) == ["on the first", "on the second"]
        await asyncio.to_thread(first.finish)
        assert first.exit_code == 0


async def test_a_drain_is_spread_over_its_time_and_everybody_goes_on_elsewhere(
    start_gateway: StartGateway, members: Members, changes: Changes
) -> None:
    first, second = start_gateway(DRAIN_SECONDS="3"), start_gateway()
    loop = asyncio.get_running_loop()
    token = members.token("user_maria", lifetime=600)
    closed: list[tuple[float, int | None]] = []
    joined, away, back = asyncio.Semaphore(0), asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def stay(number: int) -> list[str]:
        """A client that is sent away and returns at once; returns what it heard in both places."""
        session = f"drained-{number:03}"
        async with bare(first.websocket_url(session=session)) as client:
            await client.join(token)
            await client.placed()
            joined.release()
            heard = [title async for title in client.titles()]
            closed.append((loop.time(), client.socket.close_code))
            away.release()
        async with bare(second.websocket_url(session=session)) as client:
            assert (await client.join(token))["status"] == "ok"
            back.release()
            async for title in client.titles():
                heard.append(title)
                if title == "after":
                    break
        return heard

    async with asyncio.TaskGroup() as tasks:
        clients = [tasks.create_task(stay(number)) for number in range(40)]
        await times(40, joined)
        first.ask_to_stop()
        await times(20, away)
        assert (await first.readiness())["status"] == "draining"
        await changes.insert(title="while half of them are away")
        async with bare(first.websocket_url()) as late:
            reply = await late.join(token)
        await times(40, back)
        await asyncio.to_thread(first.finish)
        await changes.insert(title="after")
    assert reply["response"]["reason"].startswith("RealtimeRestarting")
    assert {code for _, code in closed} == {1012}
    assert 1.0 < closed[-1][0] - closed[0][0] < 3.0
    assert closed[10][0] - closed[0][0] > 0.3, "in slices"
    assert first.exit_code == 0
    assert [client.result() for client in clients] == [["while half of them are away", "after"]] * 40


async def times(count: int, happened: asyncio.Semaphore) -> None:
    """Wait until it has happened so often."""
    async with asyncio.timeout(20):
        for _ in range(count):
            await happened.acquire()
