"""Soak: sockets that come and go at random while changes flow; afterwards memory, files and tasks are where they were.

    .venv/bin/python tests/bench/soak.py [--sockets 2000] [--minutes 10]

Each client stays a random time, tracks its presence now and then, and ends as clients do: it leaves and closes, closes
without a word, or its connection breaks. After a warm-up of a tenth of the time everybody leaves, and what the process
holds is the baseline for the end. Exits 1 when something stayed behind.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import nats
import psutil
import uvloop

from load import Client, Tally, masked
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.nats import Nats
from rte_devstack.ports import reserved
from rte_testkit.gateway import Changes, Gateway, Members

CHANGES_PER_SECOND = 5
LIVES_SECONDS = (0.5, 40.0)
RESUME_SECONDS = 10
SETTLE_SECONDS = RESUME_SECONDS + 60.0 + 45.0
"""Until everything kept for clients that might return has been forgotten."""
MEMORY_SLACK = 0.15
"""Share by which memory may have grown: allocators do not give everything back."""


class Visitor(Client):
    """A client that does not come back by itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        if not self._ready.done():
            self._ready.set_exception(ConnectionResetError())
        self._joined = False

    def go(self) -> None:
        """End in one of the ways that clients do."""
        match random.randrange(3):
            case 0:
                self.transport.write(masked(1, b'["1","9","realtime:expectations:active","phx_leave",{}]'))
                self.transport.write(masked(8, b"\x03\xe8"))
            case 1:
                self.transport.write(masked(8, b"\x03\xe9"))
            case 2:
                self.transport.abort()

    def be_present(self) -> None:
        """Tell the room."""
        if self._joined:
            track = (
                b'["1","5","realtime:expectations:active","presence",{"type":"presence","event":"track","payload":{}}]'
            )
            self.transport.write(masked(1, track))


async def visits(number: int, port: int, tokens: list[str], until: float) -> None:
    """One seat that a client after the other takes."""
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore()
    while time.monotonic() < until:
        wish = {"port": port, "first": 0, "lazy": False, "sessions": number % 2 == 0}
        client = Visitor(random.randrange(10**6), wish, random.choice(tokens), Tally(), slots)
        await client.connect()
        if random.random() < 0.1:
            client.be_present()
        await asyncio.sleep(min(random.uniform(*LIVES_SECONDS), max(until - time.monotonic(), 0)))
        client.go()
        loop.call_later(2, client.transport.abort)


async def crowd(gateway: Gateway, changes: Changes, tokens: list[str], sockets: int, seconds: float) -> None:
    """Visitors and changes for so long; then everybody is gone."""
    until = time.monotonic() + seconds
    seats = [asyncio.create_task(visits(n, gateway.port, tokens, until)) for n in range(sockets)]
    number = 0
    while time.monotonic() < until:
        number += 1
        await changes.insert(title=f"bench:{number}:{time.time():.6f}")
        await asyncio.sleep(1 / CHANGES_PER_SECOND)
    await asyncio.gather(*seats)
    await asyncio.sleep(SETTLE_SECONDS)


async def holds(gateway: Gateway) -> dict[str, float]:
    """What the process has at this moment."""
    process = psutil.Process(gateway.pid)
    named = {name: await gateway.metric(f"rte_gateway_{name}") for name in ("sockets", "channels", "tasks")}
    return {"rss_mib": process.memory_info().rss / 2**20, "files": process.num_fds(), **named}


async def main() -> None:
    """Run it and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    signer = TokenSigner()
    tokens = [Members(signer).token(f"user_{n:04}", lifetime=86400) for n in range(200)]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ports = [stack.enter_context(reserved()) for _ in range(4)]
        broker = stack.enter_context(
            Nats(folder / "nats", port=ports[0], monitor_port=ports[1], log=folder / "nats.log")
        )
        gateway = stack.enter_context(
            Gateway(
                port=ports[2],
                metrics_port=ports[3],
                nats_url=broker.url,
                signer=signer,
                log=folder / "gateway.log",
                RESUME_SECONDS=str(RESUME_SECONDS),
            )
        )
        client = await nats.connect(broker.url)
        changes = Changes(client.jetstream())
        seconds = options.minutes * 60
        await crowd(gateway, changes, tokens, options.sockets, seconds / 10)
        before = await holds(gateway)
        print("before", before, flush=True)
        await crowd(gateway, changes, tokens, options.sockets, seconds)
        after = await holds(gateway)
        print("after ", after, "joins", await gateway.metric("rte_gateway_joins_total", outcome="ok"), flush=True)
        await client.close()
        log = (folder / "gateway.log").read_text()
    grown = [key for key in ("files", "sockets", "channels", "tasks") if after[key] > before[key]]
    if after["rss_mib"] > before["rss_mib"] * (1 + MEMORY_SLACK):
        grown.append("rss_mib")
    if "Traceback" in log:
        grown.append("tracebacks in the log")
    print("stayed behind:", ", ".join(grown) or "nothing")
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    uvloop.run(main())
