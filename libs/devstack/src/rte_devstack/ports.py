"""TCP ports on 127.0.0.1: reserved for a test, or found taken by somebody else."""

import errno
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

HOST = "127.0.0.1"


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


def obstacle(port: int) -> str | None:
    """Why nothing can listen on `port` now, in a few words; None when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except PermissionError:
            return "needs more rights than you have"
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return f"is taken by {_holder(port)}"
    return None


def _holder(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS tells only root
        return "another program"
    for connection in connections:
        listens_here = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,)
        if listens_here and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"
