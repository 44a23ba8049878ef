"""Connections: as many as there are file descriptors for, less a reserve; one too many is told so."""

import asyncio
import json
import resource
from http import HTTPStatus
from typing import ClassVar

import structlog
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rte_common.problems import MEDIA_TYPE, Problem

log = structlog.get_logger(__name__)
REFUSED = Counter("rte_connections_refused_total", "Connections refused because too many are open")

MAX_RESERVE = 128
"""Descriptors that clients never get: for the database, the broker, other services, files, metrics, and refusals."""
MAX_WAITING = 32
"""Connections beyond the limit whose first request is read; more are cut at once."""
WAIT_SECONDS = 1.0
"""Seconds that a connection beyond the limit may take to say what it wants."""
RECOVERED_SHARE = 0.9
"""Share of the limit below which a refusal is news again."""
RETRY_SECONDS = 5
PROBES = b"GET /health ", b"GET /ready "
"""Requests that are answered all the same: whoever watches the process must not take it for dead."""


class TooManyConnections(Problem):
    """One more than the process has file descriptors for."""

    type = "too-many-connections"


def max_connections() -> int:
    """Raise the soft limit of open files to the hard one; returns how many connections may be open at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - min(MAX_RESERVE, hard // 4)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP connection, also before it becomes a websocket. At the limit of files accepting would fail for
    ever, without an answer to anybody, and take all of the process' time."""

    max_connections: ClassVar[int] = 1 << 30
    waiting: ClassVar[int] = 0
    """Connections beyond the limit that are open at the moment."""
    told: ClassVar[bool] = False
    """Whether the log has the present shortage."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        limit, count = BoundedProtocol.max_connections, len(self.connections)
        if count < limit:
            if count < limit * RECOVERED_SHARE:
                BoundedProtocol.told = False
            super().connection_made(transport)
        elif BoundedProtocol.waiting < MAX_WAITING:
            transport.set_protocol(Surplus(self, transport))
        else:
            _count_refusal()
            transport.set_protocol(asyncio.Protocol())
            transport.abort()


class Surplus(asyncio.Protocol):
    """One connection beyond the limit: probes are served, anything else is refused."""

    def __init__(self, served: HttpToolsProtocol, transport: asyncio.Transport) -> None:
        BoundedProtocol.waiting += 1
        self._served = served
        self._transport = transport
        self._end = asyncio.get_running_loop().call_later(WAIT_SECONDS, self._cut)

    def data_received(self, data: bytes) -> None:
        """Look at the first request."""
        if data.startswith(PROBES):
            self._leave()
            self._transport.set_protocol(self._served)
            HttpToolsProtocol.connection_made(self._served, self._transport)
            self._served.data_received(data)
            return
        _count_refusal()
        self._transport.write(_refusal())
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._leave()

    def _cut(self) -> None:
        _count_refusal()
        self._transport.abort()

    def _leave(self) -> None:
        self._end.cancel()
        BoundedProtocol.waiting -= 1


def _count_refusal() -> None:
    REFUSED.inc()
    if not BoundedProtocol.told:
        BoundedProtocol.told = True
        hint = "raise the limit of open files (nofile), or start another process"
        log.error("connections_exhausted", max_connections=BoundedProtocol.max_connections, hint=hint)


def _refusal() -> bytes:
    kind = TooManyConnections.kind
    body = json.dumps(kind.body(f"Try again in {RETRY_SECONDS} seconds", "")).encode()
    status = HTTPStatus(kind.status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"retry-after: {RETRY_SECONDS}",
        "access-control-allow-origin: *",
        "connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
