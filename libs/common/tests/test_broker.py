"""The connection to NATS outlives a broker that stops in the middle of everything, and never holds up the end.

What nats-py does wrong is tried with its own client, too: a test of that which passes says that it is mended upstream.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
import uvloop
from nats.aio.client import Client

from rte_common import jetstream
from rte_common.jetstream import Broker
from rte_common.nats_client import ResilientClient
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats

# nats-py leaves it to the garbage collector to close a connection on which nobody answered.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

MUCH = 32
"""Half megabytes: more than the kernel takes for somebody who reads nothing."""

NOT_MENDED = TimeoutError, asyncio.CancelledError
"""What tests end with where nothing comes of the waiting; the second from its end, which upstream cancels as well."""


@contextmanager
def frozen(server: Nats) -> Iterator[None]:
    """The server's connections stay, and nobody is there: as on a machine that lost its network."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@pytest.fixture(
    params=[
        pytest.param((ResilientClient, 20), id="ours"),
        pytest.param(
            (Client, 5),
            id="upstream",
            marks=pytest.mark.xfail(strict=True, raises=NOT_MENDED, reason="drop the override if this passes"),
        ),
    ]
)
def patience(request: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Seconds to wait with the client that the test runs with."""
    client, seconds = request.param
    monkeypatch.setattr(jetstream, "ResilientClient", client)
    return int(seconds)


async def publish_much(broker: Broker) -> None:
    for _ in range(MUCH):
        await broker.client.publish("much", bytes(1 << 19))


async def test_a_broker_that_reads_nothing_any_more_is_left_for_another(
    private_nats: Callable[[], Nats], monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    monkeypatch.setattr(jetstream, "PING_SECONDS", 0.2)
    servers = {server.port: server for server in (private_nats(), private_nats())}
    settings = NatsSettings(nats_url=tuple(server.url for server in servers.values()))
    async with jetstream.connect(settings, name="test") as broker:
        await broker.ready()
        url = broker.client.connected_url
        assert url is not None
        assert url.port is not None
        with frozen(servers.pop(url.port)):
            publishing = asyncio.create_task(publish_much(broker))
            try:
                async with asyncio.timeout(patience):
                    while broker.client.connected_url is None or broker.client.connected_url.port not in servers:
                        await asyncio.sleep(0.05)
            finally:
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)


async def test_a_broker_that_reads_nothing_any_more_does_not_hold_up_the_end(
    private_nats: Callable[[], Nats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "CLOSE_SECONDS", 0.5)
    server = private_nats()
    async with AsyncExitStack() as connection:
        settings = NatsSettings(nats_url=(server.url,))
        broker = await connection.enter_async_context(jetstream.connect(settings, name="test"))
        await broker.ready()
        with frozen(server):
            publishing = asyncio.create_task(publish_much(broker))
            await asyncio.wait([publishing], timeout=1)
            async with asyncio.timeout(20):
                await connection.aclose()
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)


async def test_a_broker_that_refuses_something_is_connected_to_again(
    private_nats: Callable[[], Nats], patience: int
) -> None:
    async with jetstream.connect(NatsSettings(nats_url=(private_nats().url,)), name="test") as broker:
        await broker.ready()
        # The client looks at the body's size only: the server does not take that much with a header, and hangs up.
        await broker.client.publish("much", bytes(broker.client.max_payload), headers={"one": "header"})
        async with asyncio.timeout(patience):
            while not broker.client.stats["reconnects"]:
                await asyncio.sleep(0.05)
            await broker.client.flush()
            assert await broker.check() is None


async def test_who_waits_for_a_broker_that_reads_nothing_can_be_cancelled(
    private_nats: Callable[[], Nats], patience: int
) -> None:
    server = private_nats()
    async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
        await broker.ready()

        async def publish_for_good() -> None:
            while True:
                await publish_much(broker)

        with frozen(server):
            publishing = asyncio.create_task(publish_for_good())
            await asyncio.wait([publishing], timeout=1)
            publishing.cancel()
            async with asyncio.timeout(patience):
                await asyncio.wait([publishing])
            assert publishing.cancelled()


def test_a_broker_that_is_away_with_much_unsaid_makes_no_error_of_the_end(private_nats: Callable[[], Nats]) -> None:
    server = private_nats()

    async def end_while_it_is_away() -> None:
        async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
            await broker.ready()
            server.stop()
            async with asyncio.timeout(20):
                while broker.client.is_connected:
                    await asyncio.sleep(0.05)
            await broker.client.publish("unsaid", b"")

    uvloop.run(end_while_it_is_away())  # as every service does: asyncio's own loop forgives writing to what is closed
