"""The websocket handshake: which origins may connect, and whether messages are compressed."""

import logging
from collections.abc import Sequence

import structlog
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from rte_realtime_gateway import metrics
from rte_realtime_gateway.server.compression import NEGOTIATED
from rte_realtime_gateway.settings import Settings

log = structlog.get_logger(__name__)

PHOENIX = Subprotocol("phoenix")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
MAX_LOGGED_ORIGINS = 100
"""Origins whose refusal is logged, for the life of the process."""
MAX_ORIGIN_CHARACTERS = 200
"""Characters of an origin in the log."""


class Handshake:
    """The rules of the handshake, which all sockets of this process share."""

    def __init__(self, settings: Settings) -> None:
        allowed = settings.allowed_origins or settings.clerk_authorized_parties
        # Clients that are no browsers send no origin and are let in.
        origins = None if "*" in allowed else [None, *map(Origin, allowed)]
        extensions = [NEGOTIATED] if settings.compression else None
        self.protocol = ServerProtocol(
            origins=origins,
            extensions=extensions,
            select_subprotocol=_subprotocol,
            logger=logging.getLogger("websockets.server"),
        )
        """Protocol that answers the upgrade requests of all sockets: it keeps nothing between two of them."""
        self._logged_origins: set[str] = set()

    def accept(self, request: Request) -> Response:
        """The answer to an upgrade request: 101, or why not."""
        if _is_own(request.headers):
            # As React Native calls itself. Pages of our own address may connect anyway; a token is needed by all.
            del request.headers["Origin"]
        return self.protocol.accept(request)

    def log_refused_origin(self, request: Request) -> None:
        """Log the first refusal of each origin: the page learns nothing of the reason, and tries again for ever."""
        metrics.DROPS.labels("origin").inc()
        origin = ", ".join(request.headers.get_all("Origin"))[:MAX_ORIGIN_CHARACTERS]
        if origin not in self._logged_origins and len(self._logged_origins) < MAX_LOGGED_ORIGINS:
            self._logged_origins.add(origin)
            log.warning("origin_refused", origin=origin, hint="ALLOWED_ORIGINS names who may connect")


def _subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Phoenix' own, if it is offered: browsers take no connection that answers none of theirs."""
    return PHOENIX if PHOENIX in offered else None


def _is_own(headers: Headers) -> bool:
    """Whether the origin is the address that the client connects to."""
    origins, hosts = headers.get_all("Origin"), headers.get_all("Host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    scheme, _, host = origins[0].lower().partition("://")
    return scheme in DEFAULT_PORTS and _plain(host) == _plain(hosts[0].lower())


def _plain(host: str) -> str:
    """A host without the port that need not be said."""
    for port in DEFAULT_PORTS.values():
        host = host.removesuffix(port)
    return host
