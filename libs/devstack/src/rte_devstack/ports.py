"""TCP ports on 127.0.0.1: reserved for a test, or found taken by somebody else."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

HOST = "127.0.0.1"


@contextmanager
def reserved() -> Iterator[int]:
    """A free port that nobody else is given while the block runs.

    The socket stays bound without listening: the kernel then hands the port to no one who asks for any port, but a
    server that names it may listen (both sides set SO_REUSEADDR, as every server here does).
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((HOST, 0))
        port: int = keeper.getsockname()[1]
        yield port


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
