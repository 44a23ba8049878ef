"""Fan-out benchmark: one change to N sockets, R times a second, through real NATS and a real gateway process.

    .venv/bin/python tests/bench/fanout.py [--shape 500x64 ...] [--sessions] [--restart] [--workers 2] [--json FILE]

The floor is measured in the same run: a bare loop of `send` of the same bytes over as many TCP sockets, read by a
process like the one that reads the websockets. It shows what a delivery costs, and how long the last socket of a round
waits, before anything of the gateway's runs. Everything stays on 127.0.0.1.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import nats
import psutil
import uvloop
from nats.js import JetStreamContext

from load import LAZY_SECONDS, by_turns
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.nats import Nats
from rte_devstack.ports import reserved
from rte_testkit.gateway import TEAM, Changes, Gateway, Members

HERE = Path(__file__).parent
SHAPES = ("500x64", "5000x10", "10000x5")
SECONDS = 10.0
WARM_UP_SECONDS = 2.0
SAMPLE = 100
"""Clients that measure delays."""
PARTS = 5
LAZY_ABOVE = 1000
"""Sockets above which the crowd, and the receivers of the bare sends, read once a second instead of at once."""


@dataclass
class Result:
    """One shape."""

    sockets: int
    changes_per_second: float
    deliveries_per_second: float
    lost: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    floor_p95_ms: float
    cpu_us_per_delivery: float
    floor_us_per_send: float
    times_the_floor: float
    gateway_cpu_percent: float
    kib_per_socket: float
    join_seconds: float
    back_after_restart_seconds: float | None = None
    repeated_after_restart: int | None = None


class Load:
    """A process with clients."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, **wish: Any) -> "Load":
        """Start it; nothing connects yet."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, str(HERE / "load.py"), json.dumps(wish), stdin=PIPE, stdout=PIPE, limit=1 << 27
            )
        )

    async def do(self, command: str, **fields: Any) -> dict[str, Any]:
        """Have it do something; returns what it says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")
        said: dict[str, Any] = json.loads(await self._process.stdout.readline())
        if "refused" in said:
            raise RuntimeError(said["refused"])
        return said

    async def stop(self) -> None:
        """End it."""
        self._process.kill()
        await self._process.wait()


class Clients:
    """All clients: a crowd that is read lazily, and among them a few that measure delays."""

    def __init__(self, crowd: Load, sample: Load) -> None:
        self.crowd = crowd
        self.sample = sample

    async def connect(self, sockets: int) -> float:
        """Connect all, the sample spread among the crowd, because sockets are written to in the order of joining."""
        started = time.monotonic()
        for part in range(1, PARTS + 1):
            await self.crowd.do("connect", sockets=(sockets - SAMPLE) * part // PARTS)
            await self.sample.do("connect", sockets=SAMPLE * part // PARTS)
        return time.monotonic() - started

    async def until(self, number: int, seconds: float = 30) -> dict[str, Any]:
        """Wait until every client has seen this change; returns what they saw since the last call."""
        crowd, sample = await asyncio.gather(
            *(load.do("until", number=number, seconds=seconds) for load in (self.crowd, self.sample))
        )
        sums = {key: crowd[key] + sample[key] for key in ("changes", "behind", "lost", "repeated", "joined")}
        at = max(crowd["at"], sample["at"])
        return {**sums, "at": at, "delays": sample["delays"], "frame_bytes": sample["frame_bytes"]}


@asynccontextmanager
async def clients_of(gateway: Gateway, tokens: Path, *, sessions: bool, lazy: bool) -> AsyncIterator[Clients]:
    """Both processes."""
    wish = {"port": gateway.port, "tokens": str(tokens), "sessions": sessions}
    crowd = await Load.start(**wish, first=SAMPLE, lazy=lazy)
    sample = await Load.start(**wish, first=0, lazy=False)
    try:
        yield Clients(crowd, sample)
    finally:
        await crowd.stop()
        await sample.stop()


async def publish(changes: Changes, first: int, rate: float, seconds: float) -> int:
    """Publish at this rate; returns the number after the last change."""
    start = time.monotonic()
    number = first
    while number - first < rate * seconds:
        await asyncio.sleep(max(0, start + (number - first) / rate - time.monotonic()))
        await changes.insert(team_id=TEAM, title=f"bench:{number}:{time.time():.6f}")
        number += 1
    return number


async def measure(gateway: Gateway, jetstream: JetStreamContext, shape: str, tokens: Path, options: Any) -> Result:
    """One shape, on a gateway that was just started."""
    sockets, rate = (int(part) for part in shape.split("x"))
    idle = memory_of(gateway)
    async with clients_of(gateway, tokens, sessions=options.sessions, lazy=sockets > LAZY_ABOVE) as clients:
        joined = await clients.connect(sockets)
        memory = memory_of(gateway) - idle
        changes = Changes(jetstream)
        number = await publish(changes, 1, rate, WARM_UP_SECONDS)
        await clients.until(number - 1)
        before, started, first = cpu_of(gateway), time.monotonic(), number
        number = await publish(changes, number, rate, options.seconds)
        took, cpu = time.monotonic() - started, cpu_of(gateway) - before
        seen = await clients.until(number - 1)
        back, repeated = await restart(gateway, clients, changes, number) if options.restart else (None, None)
    floor, floor_p95 = bare_sends(sockets, rate, seen["frame_bytes"], options.seconds / 2)
    deliveries = (number - first) * sockets - seen["behind"]
    delays = [delay * 1000 for delay in seen["delays"]]
    p50, p95, p99 = (statistics.quantiles(delays, n=100)[place] for place in (49, 94, 98))
    per_delivery = cpu / deliveries * 1e6
    return Result(
        sockets=sockets,
        changes_per_second=rate,
        deliveries_per_second=round(deliveries / took),
        lost=seen["lost"] + seen["behind"],
        p50_ms=round(p50, 1),
        p95_ms=round(p95, 1),
        p99_ms=round(p99, 1),
        floor_p95_ms=round(floor_p95 * 1000, 1),
        cpu_us_per_delivery=round(per_delivery, 2),
        floor_us_per_send=round(floor, 2),
        times_the_floor=round(per_delivery / floor, 2),
        gateway_cpu_percent=round(cpu / took * 100, 1),
        kib_per_socket=round(memory / sockets / 1024, 1),
        join_seconds=round(joined, 2),
        back_after_restart_seconds=back,
        repeated_after_restart=repeated,
    )


def processes_of(gateway: Gateway) -> list[psutil.Process]:
    """The gateway, with its workers if it has any."""
    parent = psutil.Process(gateway.pid)
    return [parent, *parent.children()]


def memory_of(gateway: Gateway) -> int:
    """Resident bytes."""
    return sum(process.memory_info().rss for process in processes_of(gateway))


def cpu_of(gateway: Gateway) -> float:
    """Seconds of CPU, user and system, until now."""
    times = [process.cpu_times() for process in processes_of(gateway)]
    return float(sum(time.user + time.system for time in times))


async def restart(gateway: Gateway, clients: Clients, changes: Changes, number: int) -> tuple[float, int]:
    """Restart the gateway with changes meanwhile; seconds from its start until all have had them, and repetitions."""
    before = await clients.until(number - 1)
    await asyncio.to_thread(gateway.stop)
    number = await publish(changes, number, 5, 2)
    started = time.time()
    await asyncio.to_thread(gateway.start)
    seen = await clients.until(number - 1, 60)
    if seen["behind"] or seen["lost"] > before["lost"]:
        raise RuntimeError(f"lost after the restart: {seen['behind']} behind, {seen['lost']} skipped")
    return round(seen["at"] - started, 2), seen["repeated"] - before["repeated"]


def bare_sends(sockets: int, rate: float, size: int, seconds: float) -> tuple[float, float]:
    """A bare loop of `send`: CPU microseconds (user and system) of one, and the 95th percentile of the seconds from a
    round's time to a socket's turn in it."""
    with socket.socket() as listener, ExitStack() as opened:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        sink = os.fork()
        if sink == 0:
            uvloop.run(_drain(listener.getsockname()[1], sockets))
        connections = [opened.enter_context(listener.accept()[0]) for _ in range(sockets)]
        for connection in connections:
            connection.setblocking(False)
        payload, parts = b"x" * size, range(0, sockets, sockets // SAMPLE)
        before, start, rounds, delays = os.times(), time.monotonic(), 0, []
        while rounds < rate * seconds:
            due = start + rounds / rate
            time.sleep(max(0, due - time.monotonic()))
            for first in parts:
                for connection in connections[first : first + parts.step]:
                    connection.send(payload)
                delays.append(time.monotonic() - due)
            rounds += 1
        after = os.times()
    os.waitpid(sink, 0)
    cpu = after.user + after.system - before.user - before.system
    return cpu / (rounds * sockets) * 1e6, statistics.quantiles(delays, n=100)[94]


class Sink(asyncio.Protocol):
    """Reads what the bare sends write, as the crowd does: at once, or when its turn comes."""

    def __init__(self, *, lazy: bool) -> None:
        self._lazy = lazy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read no more until the next turn."""
        if self._lazy:
            self.transport.pause_reading()

    def read(self) -> None:
        """Read what has come meanwhile."""
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The measurement is over."""
        os._exit(0)


async def _drain(port: int, sockets: int) -> None:
    lazy, loop = sockets > LAZY_ABOVE, asyncio.get_running_loop()
    sinks = [(await loop.create_connection(lambda: Sink(lazy=lazy), "127.0.0.1", port))[1] for _ in range(sockets)]
    await by_turns(sinks if lazy else [], Sink.read, LAZY_SECONDS)


def sign_in(members: Members, count: int, file: Path) -> None:
    """Tokens of so many members."""
    file.write_text("\n".join(members.token(f"user_{n:05}", lifetime=86400) for n in range(count)))


async def main() -> None:
    """Measure the shapes one after the other, each on a gateway of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", help="sockets x changes per second; may be repeated")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--sessions", action="store_true", help="clients with a session id, whose positions are kept")
    parser.add_argument("--restart", action="store_true", help="kill the gateway as well, and time the return")
    parser.add_argument("--workers", type=int, default=1, help="processes of the gateway; more than one core")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    signer = TokenSigner()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sign_in(Members(signer), options.members, folder / "tokens")
        ports = [stack.enter_context(reserved()) for _ in range(4)]
        broker = stack.enter_context(
            Nats(folder / "nats", port=ports[0], monitor_port=ports[1], log=folder / "nats.log")
        )
        for shape in options.shape or SHAPES:
            with Gateway(
                port=ports[2],
                metrics_port=ports[3] if options.workers == 1 else 0,
                nats_url=broker.url,
                signer=signer,
                log=folder / "gateway.log",
                WORKERS=str(options.workers),
            ) as gateway:
                client = await nats.connect(broker.url)
                await client.jetstream().purge_stream("EVENTS")
                result = await measure(gateway, client.jetstream(), shape, folder / "tokens", options)
                await client.close()
            results.append(asdict(result))
            print(json.dumps(results[-1]), flush=True)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def show(results: list[dict[str, Any]]) -> None:
    """A table, one column for each shape."""
    for key in results[0]:
        print(f"{key:28}" + "".join(f"{result[key]!s:>12}" for result in results))


if __name__ == "__main__":
    asyncio.run(main())
