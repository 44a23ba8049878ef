"""Several processes on one port are one gateway."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack

import psutil
import pytest

from rte_devstack.ports import reserved_row
from rte_testkit.bare_client import Bare, bare
from rte_testkit.gateway import Gateway, Members, StartGateway


def worker_on(gateway: Gateway, metrics_port: int) -> psutil.Process:
    """The worker whose metrics are on this port."""
    (worker,) = [child for child in psutil.Process(gateway.pid).children() if metrics_port in listening(child)]
    return worker


def listening(process: psutil.Process) -> set[int]:
    return {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}


async def sockets(gateway: Gateway, metrics_port: int) -> float:
    gateway.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
    return await gateway.metric("rte_gateway_sockets")


async def test_workers_share_a_port_replace_each_other_and_stop_together(
    start_gateway: StartGateway, members: Members
) -> None:
    token = members.token("user_maria", lifetime=600)

    async def all_hear(event: str, ports: range) -> None:
        """Clients hear each other, and each of the workers has some of them."""
        async with AsyncExitStack() as connected:

            async def joined() -> Bare:
                client = await connected.enter_async_context(bare(gateway.websocket_url()))
                assert (await client.join(token))["status"] == "ok"
                return client

            clients = [await joined()]
            while not all([await sockets(gateway, port) for port in ports]):
                assert len(clients) < 64, "the kernel spreads connections evenly"
                clients.append(await joined())
            await (await joined()).say("broadcast", {"event": event, "payload": {}})
            assert {(await client.hear("broadcast"))["event"] for client in clients} == {event}

    with reserved_row(2) as first_port:
        ports = range(first_port, first_port + 2)
        gateway = start_gateway(WORKERS="2", METRICS_PORT=str(first_port))
        async with asyncio.timeout(20):
            for port in ports:
                gateway.metrics_url = f"http://127.0.0.1:{port}/metrics"
                await gateway.until_metric("rte_gateway_feed_live", 1)
        await all_hear("first", ports)
        killed = worker_on(gateway, ports[1])
        killed.kill()
        gateway.metrics_url = f"http://127.0.0.1:{ports[1]}/metrics"
        async with asyncio.timeout(20):
            while killed.is_running():
                await asyncio.sleep(0.01)
        await gateway.until_metric("rte_gateway_feed_live", 1)
        await all_hear("second", ports)
        await asyncio.to_thread(gateway.stop)
    assert gateway.exit_code == 0


async def test_told_to_stop_while_workers_are_started_it_stops(start_gateway: StartGateway) -> None:
    gateway = start_gateway(WORKERS="8", METRICS_PORT="0")
    await asyncio.to_thread(gateway.stop)
    gateway.launch()
    parent = psutil.Process(gateway.pid)
    while not (children := parent.children()):
        assert gateway.running
    gateway.ask_to_stop()
    await asyncio.to_thread(gateway.finish)
    assert gateway.exit_code == 0, "-9: it had to be killed"
    assert not any(child.is_running() for child in children)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_whole_group_reaches_each_worker_once_and_it_drains(
    stop: signal.Signals, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(WORKERS="2", METRICS_PORT="0", DRAIN_SECONDS="1")
    ports = {port for child in psutil.Process(gateway.pid).children() for port in listening(child)}
    assert min(ports) >= 1024, "METRICS_PORT=0 is any free port for each"
    began = time.monotonic()
    os.killpg(gateway.pid, stop)
    await asyncio.to_thread(gateway.finish)
    assert gateway.exit_code == 0
    assert time.monotonic() - began >= 1
