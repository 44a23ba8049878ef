"""Many sockets: as many as the system allows, with a reserve; one too many is told so, and nothing else suffers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidMessage, InvalidStatus

from rte_testkit.bare_client import Bare, bare
from rte_testkit.gateway import Gateway, Members, StartGateway

SOFT, HARD = 150, 300
ROOM = HARD - HARD // 4
"""Connections for which there is room below the reserve."""
TOO_MANY = 2 * HARD


@pytest_asyncio.fixture(loop_scope="session")
async def small(start_gateway: StartGateway) -> Gateway:
    """A gateway that may open few files."""
    gateway = start_gateway()
    await asyncio.to_thread(gateway.stop)
    gateway.command = ["sh", "-c", f'ulimit -S -n {SOFT} && ulimit -H -n {HARD} && exec "$0"', *gateway.command]
    await asyncio.to_thread(gateway.start)
    return gateway


@asynccontextmanager
async def filled(gateway: Gateway) -> AsyncIterator[tuple[list[Bare], InvalidStatus]]:
    """Sockets until one is refused; how it was refused."""
    async with AsyncExitStack() as stack:
        sockets: list[Bare] = []
        with pytest.raises(InvalidStatus) as refused:
            while len(sockets) < TOO_MANY:
                sockets.append(await stack.enter_async_context(bare(gateway.websocket_url())))
        yield sockets, refused.value


async def until_room(gateway: Gateway) -> None:
    """Wait until a socket is taken again: others have closed theirs a moment ago."""
    async with asyncio.timeout(20):
        while True:
            with suppress(InvalidStatus, InvalidMessage):
                async with bare(gateway.websocket_url()) as client:
                    assert (await client.heartbeat())["status"] == "ok"
                    return


async def test_a_socket_too_many_is_told_so_and_the_process_stays_well(small: Gateway, members: Members) -> None:
    async with filled(small) as (sockets, refusal), httpx.AsyncClient(trust_env=False) as http:
        assert SOFT < len(sockets) <= ROOM, "the soft limit was raised, and some is kept"
        assert refusal.response.status_code == 503
        assert refusal.response.headers["retry-after"] == "5"
        assert json.loads(refusal.response.body or b"")["type"] == "/problems/too-many-connections"
        for _ in range(20):
            with pytest.raises(InvalidStatus):
                async with bare(small.websocket_url()):
                    pass
        for path in ("health", "ready"):
            assert (await http.get(f"http://127.0.0.1:{small.port}/{path}")).status_code == 200
        assert await small.metric("rte_connections_refused_total") >= 20
        assert (await sockets[0].join(members.token("user_maria")))["status"] == "ok"
        assert (await sockets[-1].heartbeat())["status"] == "ok"
    assert small.log.read_text().count("connections_exhausted") == 1
    await until_room(small)


async def test_connections_that_say_nothing_take_nothing_of_the_reserve(small: Gateway) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", small.port) for _ in range(TOO_MANY)]
    assert await small.metric("rte_connections_refused_total") > 0
    for _, writer in silent:
        writer.close()
    await until_room(small)
    assert "Traceback" not in small.log.read_text()
