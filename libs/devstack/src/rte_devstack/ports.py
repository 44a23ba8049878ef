"""TCP ports on this machine: who of a stack needs which, reserved for a test, or found taken by somebody else.

Only Python's own library is needed here: `make doctor` looks at ports before anything is installed.
"""

import errno
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
LOOPBACKS = ((socket.AF_INET, HOST), (socket.AF_INET6, "::1"))
"""Browsers take both for `localhost`, the second one first."""
PORTS = {
    "traefik": 0,
    "traefik metrics": 1,
    "postgres": 2,
    "nats": 3,
    "nats monitoring": 4,
    "clerk": 5,
    "storage": 6,
    "api": 10,
    "auth-sync": 11,
    "realtime-gateway": 12,
    "jobs": 13,
    "web": 14,
    "api metrics": 20,
    "auth-sync metrics": 21,
    "realtime-gateway metrics": 22,
    "jobs metrics": 23,
    "web metrics": 24,
}
"""Each port of a stack as its distance from RTE_PORT."""
HIGHEST = 65535 - max(PORTS.values())
"""Of RTE_PORT."""
LISTENING = "0A"


def chosen() -> int:
    """The first port of the stack, from RTE_PORT; ValueError with a sentence when that is none."""
    given = os.environ.get("RTE_PORT", "8080")
    if given.isascii() and given.isdecimal() and len(given) < 6 and 0 < int(given) <= HIGHEST:
        return int(given)
    raise ValueError(f"RTE_PORT is {given!r}, but must be a port from 1 to {HIGHEST}")


def another(port: int) -> int:
    """A first port to try instead."""
    return port + 100 if 1023 < port <= HIGHEST - 100 else 8080


@contextmanager
def reserved(port: int = 0) -> Iterator[int]:
    """Keep `port`, or any free one, for whoever names it while the block runs; OSError when it is taken.

    The socket stays bound without listening: the kernel then hands the port to no one who asks for any port, but a
    server that names it may listen (both sides set SO_REUSEADDR, as every server here does).
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((HOST, port))
        kept: int = keeper.getsockname()[1]
        yield kept


@contextmanager
def reserved_row(count: int) -> Iterator[int]:
    """Keep `count` ports in a row while the block runs; gives the first."""
    starts = range(20_000, 32_000 - count, count)  # below what the kernel hands out for connections
    for first in random.sample(starts, len(starts)):
        with ExitStack() as keepers:
            try:
                for port in range(first, first + count):
                    keepers.enter_context(reserved(port))
            except OSError:
                continue
            yield first
            return
    raise OSError(errno.EADDRINUSE, f"no {count} free ports in a row")


def obstacle(port: int) -> str:
    """Why nothing of ours can have `port` for itself now, in a few words; empty when it can."""
    for family, host in LOOPBACKS:
        try:
            _listen(family, host, port)
        except PermissionError:
            return "needs more rights than you have"
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                where = " on [::1], where browsers look for localhost first" if family == socket.AF_INET6 else ""
                return f"is taken by {_holder(port)}{where}"
            if family == socket.AF_INET:  # many machines and containers have no IPv6
                raise
    return ""


def _listen(family: int, host: str, port: int) -> None:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind((host, port))
        probe.listen()


def _holder(port: int) -> str:
    """Name the process, on Linux, unless it is another user's."""
    lines = [line.split() for table in Path("/proc/net").glob("tcp*") for line in table.read_text().splitlines()[1:]]
    sockets = {
        f"socket:[{inode}]"
        for _, local, _, state, _, _, _, _, _, inode, *_ in lines
        if state == LISTENING and int(local.rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # it is not ours, or has just ended
            continue
    return "another program"
