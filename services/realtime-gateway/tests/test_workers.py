"""Several processes on one port are one gateway."""

import asyncio
import os
import signal
import socket
from contextlib import suppress

import psutil
from bare import bare
from conftest import StartGateway
from gateway import Members


def two_ports() -> int:
    """A free port whose successor is free too: each worker has its own metrics."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with suppress(OSError):
                second.bind(("127.0.0.1", port + 1))
                return port


async def test_workers_share_a_port_replace_each_other_and_stop_together(
    start_gateway: StartGateway, members: Members
) -> None:
    gateway = start_gateway(WORKERS="2", METRICS_PORT=str(metrics_port := two_ports()))
    gateway.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
    url, token = gateway.websocket_url(), members.token("user_maria")
    workers = psutil.Process(gateway.pid).children()
    assert len(workers) == 2

    async def both_hear(event: str) -> None:
        """Clients on whichever worker hear each other."""
        async with asyncio.TaskGroup() as tasks:
            joined = asyncio.Barrier(9)
            for _ in range(8):
                tasks.create_task(listen(event, joined))
            async with bare(url) as sender:
                await sender.join(token)
                await joined.wait()
                await sender.say("broadcast", {"event": event, "payload": {}})

    async def listen(event: str, joined: asyncio.Barrier) -> None:
        async with bare(url) as client:
            await client.join(token)
            await joined.wait()
            assert (await client.hear("broadcast"))["event"] == event

    await both_hear("first")
    os.kill(workers[0].pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while workers[0].pid in (now := [w.pid for w in psutil.Process(gateway.pid).children()]) or len(now) < 2:
            await asyncio.sleep(0.05)
        await gateway.until_metric("rte_gateway_feed_live", 1)
    await both_hear("second")
    await asyncio.to_thread(gateway.stop)
    assert gateway.exit_code == 0
