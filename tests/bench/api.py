"""Benchmark of the REST API: a whole stack of its own, requests through Traefik, and a bare handler as the floor.

    .venv/bin/python tests/bench/api.py [--seconds 5] [--json result.json]

Requests are sent at a fixed rate whatever the answers take (open loop); delays count from when a request was due. CPU
is the api process's own, relay included, per request. The floor is a FastAPI handler with one asyncpg query, in a
process of its own on the same database. "history page" asks for another period each time: it reads the database.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
import uvloop

from rte_devstack.clerk.tokens import ActiveOrganization, TokenSigner
from rte_devstack.folder import Folder
from rte_devstack.ports import PORTS, reserved
from rte_devstack.postgres import psql
from rte_devstack.program import Program, answers
from rte_devstack.stack import Stack

RATES = (10, 50, 200)
CONNECTIONS = 32
TEAM_SIZE = 25
HISTORY_EACH = 40
FLOOR = Path(__file__).with_name("floor.py")
UNLIMITED = {"RATE_LIMIT_REQUESTS_PER_MINUTE": "1000000", "RATE_LIMIT_WRITES_PER_MINUTE": "1000000"}

Request = Callable[[int], bytes]
"""The bytes of the n-th request."""


@dataclass(frozen=True)
class Line:
    """One line of the result; delays in ms, CPU in µs per request."""

    what: str
    rate: int
    p50: float
    p95: float
    p99: float
    cpu: float | None
    failed: int


@dataclass(frozen=True)
class Member:
    """Who calls, and with what."""

    id: str
    team: str
    token: str


class Load:
    """Sends requests at a rate over kept-alive connections."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self._port = port
        self._process = process
        self.bodies: dict[int, bytes] = {}

    async def run(self, what: str, rate: int, count: int, request: Request, expected: int) -> Line:
        """Send `count` requests; each connection takes the next one that is due."""
        self.bodies = {}
        numbers = iter(range(count))
        delays: list[float] = []
        failed = 0
        before = cpu_seconds(self._process)
        start = time.perf_counter() + 0.1

        async def connection() -> None:
            nonlocal failed
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            for number in numbers:
                due = start + number / rate
                await asyncio.sleep(max(0, due - time.perf_counter()))
                writer.write(request(number))
                status, body = await answer(reader)
                delays.append(time.perf_counter() - due)
                failed += status != expected
                if status != expected and failed == 1:
                    print(f"{what}: {status} {body[:300]!r}", file=sys.stderr)
                self.bodies[number] = body
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*(connection() for _ in range(min(CONNECTIONS, count))))
        cpu = (cpu_seconds(self._process) - before) / count * 1e6
        cuts = quantiles(delays, n=100)
        return Line(what, rate, cuts[49] * 1e3, cuts[94] * 1e3, cuts[98] * 1e3, cpu, failed)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer that says how long it is, or has no body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return int(head[9:12]), body
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(head[9:12]), await reader.readexactly(int(rest.split(b"\r\n")[0])) if found else b""


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time that the process has had."""
    times = process.cpu_times()
    return float(times.user + times.system)


def call(method: str, path: str, member: Member, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {member.token}"]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def measure(api: Load, floor: Load, members: list[Member], seconds: float) -> list[Line]:
    """Every kind of request at every rate, then reads and writes together."""
    readers = members[: TEAM_SIZE * 4]
    create = json.dumps({"title": "Finalize Q3 marketing report"}).encode()
    unused = iter(members)
    lines: list[Line] = []

    def active(number: int) -> bytes:
        return call("GET", "/api/v1/expectations", readers[number % len(readers)])

    def history(number: int) -> bytes:
        since = f"2020-01-01T00:{number // 60 % 60:02}:{number % 60:02}.{time.perf_counter_ns() % 1_000_000:06}Z"
        return call("GET", f"/api/v1/expectations?status=completed&from={since}", readers[number % len(readers)])

    await floor.run("warm up", 100, 200, lambda _: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200)
    await api.run("warm up", 100, 200, active, 200)
    for rate in RATES:
        count = int(rate * max(seconds, 200 / rate))
        lines.append(await floor.run("floor", rate, count, lambda _: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200))
        lines.append(await api.run("active list", rate, count, active, 200))
        lines.append(await api.run("history page", rate, count, history, 200))
        writers = [next(unused) for _ in range(count)]
        creating = [call("POST", "/api/v1/expectations", writer, create) for writer in writers]
        lines.append(await api.run("create", rate, count, creating.__getitem__, 201))
        ids = {number: json.loads(body).get("id") for number, body in api.bodies.items()}
        completing = [
            call("POST", f"/api/v1/expectations/{ids[number]}/complete", writer)
            for number, writer in enumerate(writers)
        ]
        lines.append(await api.run("complete", rate, count, completing.__getitem__, 200))
    count = int(20 * seconds)
    creating = [call("POST", "/api/v1/expectations", next(unused), create) for _ in range(count)]
    reads, writes = await asyncio.gather(
        api.run("reads, together", 200, count * 10, lambda n: (active if n % 2 else history)(n), 200),
        Load.run(api, "writes, together", 20, count, creating.__getitem__, 201),
    )
    return [*lines, *(Line(**asdict(line) | {"cpu": None}) for line in (reads, writes))]


def populate(database_url: str, signer: TokenSigner, count: int) -> list[Member]:
    """Put members into teams, each with a history, past auth-sync: they never signed up at Clerk."""
    teams = count // TEAM_SIZE + 1
    psql(
        database_url,
        f"""
        set session_replication_role = replica;
        insert into teams (id, name) select 'org_bench' || n, 'Team ' || n from generate_series(0, {teams}) n;
        insert into users (id, name) select 'user_bench' || n, 'User ' || n from generate_series(0, {count - 1}) n;
        insert into memberships (team_id, user_id, role)
            select 'org_bench' || n / {TEAM_SIZE}, 'user_bench' || n, 'member' from generate_series(0, {count - 1}) n;
        insert into expectations (team_id, user_id, title, is_done, done_at, created_at)
            select 'org_bench' || u / {TEAM_SIZE}, 'user_bench' || u, 'Expectation ' || n, true,
                now() - n * interval '1 day', now() - (n + 1) * interval '1 day'
            from generate_series(1, {HISTORY_EACH}) n, generate_series(0, {count - 1}) u;
        vacuum analyze teams, users, memberships, expectations;
        """,
    )
    made = []
    for number in range(count):
        team = f"org_bench{number // TEAM_SIZE}"
        organization = ActiveOrganization(team, team)
        token = signer.session_token(f"user_bench{number}", organization=organization, lifetime=7200)
        made.append(Member(f"user_bench{number}", team, token))
    return made


@contextmanager
def started(folder: Path) -> Iterator[Stack]:
    """A whole stack in `folder`, on ports of its own."""
    port = 20_000 + os.getpid() % 12_000  # below those that outgoing connections take
    environment = {
        "RTE_STACK_DIR": str(folder),
        "RTE_PORT": str(port),
        "TEAM_MODE": "organizations",
        **UNLIMITED,
    }
    os.environ.update(environment)
    command = [sys.executable, "-m", "rte_devstack"]
    subprocess.run([*command, "up", "--detach"], check=True)
    try:
        yield Stack(Folder.chosen(), port)
    finally:
        subprocess.run([*command, "down"], check=True)


def listening(port: int) -> psutil.Process:
    """The process that listens there."""
    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr[1] == port
            and connection.pid
        ):
            return psutil.Process(connection.pid)
    raise LookupError(f"nobody listens on port {port}")


def verdicts(lines: list[Line]) -> dict[str, str]:
    """The goals, and what was measured."""
    cpu = {line.what: line.cpu for line in lines if line.rate == RATES[-1] and line.cpu}
    goals = {"active list": 1, "history page": 2, "create": 4, "complete": 4}
    found = {
        f"{what}: CPU at most {most} x the floor": f"{cpu[what] / cpu['floor']:.2f} x" for what, most in goals.items()
    }
    together = max(line.p95 for line in lines if line.what.endswith("together"))
    return found | {"200 reads/s and 20 writes/s: p95 < 20 ms": f"{together:.1f} ms"}


def show(lines: list[Line], goals: dict[str, str]) -> None:
    """Print the tables."""
    print(f"{'request':<18}{'per s':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'failed':>8}")
    for line in lines:
        cpu = f"{line.cpu:>9.0f}" if line.cpu is not None else f"{'':>9}"
        print(f"{line.what:<18}{line.rate:>7}{line.p50:>9.1f}{line.p95:>9.1f}{line.p99:>9.1f}{cpu}{line.failed:>8}")
    for goal, measured in goals.items():
        print(f"{goal:<48}{measured:>10}")


def main() -> None:
    """Start, fill, measure, print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--seconds", type=float, default=5, help="how long each measurement lasts at least")
    arguments.add_argument("--json", type=Path, help="where to write the result too")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="rte-bench-") as folder, ExitStack() as running:
        stack = running.enter_context(started(Path(folder) / "stack"))
        count = int(sum(rate * max(options.seconds, 200 / rate) for rate in RATES) + 20 * options.seconds) + 100
        members = populate(
            stack.postgres.url(), TokenSigner(stack.folder.path / "clerk", authorized_party=stack.origin), count
        )
        floor_port = running.enter_context(reserved())
        environment = dict(os.environ) | {"DATABASE_URL": stack.postgres.url(), "PORT": str(floor_port)}
        floor = Program(
            "floor",
            [Path(sys.executable), FLOOR],
            log=Path(folder) / "floor.log",
            ready=answers(f"http://127.0.0.1:{floor_port}/"),
            environment=environment,
        )
        running.enter_context(floor)
        api = Load(stack.port, listening(stack.port + PORTS["api"]))
        bare = Load(floor_port, listening(floor_port))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            lines = runner.run(measure(api, bare, members, options.seconds))
    goals = verdicts(lines)
    show(lines, goals)
    if options.json:
        result: dict[str, Any] = {"lines": [asdict(line) for line in lines], "goals": goals, "cores": os.cpu_count()}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
