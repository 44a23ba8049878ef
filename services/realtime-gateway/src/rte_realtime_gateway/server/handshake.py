"""The websocket handshake: which origins may connect, and whether messages are compressed."""

import logging

import structlog
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Origin

from rte_realtime_gateway import metrics
from rte_realtime_gateway.server.compression import NEGOTIATED
from rte_realtime_gateway.settings import Settings

log = structlog.get_logger(__name__)

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
            origins=origins, extensions=extensions, logger=logging.getLogger("websockets.server")
        )
        """Protocol that answers the upgrade requests of all sockets: it keeps nothing between two of them."""
        self._logged_origins: set[str] = set()

    def log_refused_origin(self, request: Request) -> None:
        """Log the first refusal of each origin: the page learns nothing of the reason, and tries again for ever."""
        metrics.DROPS.labels("origin").inc()
        origin = ", ".join(request.headers.get_all("Origin"))[:MAX_ORIGIN_CHARACTERS]
        if origin not in self._logged_origins and len(self._logged_origins) < MAX_LOGGED_ORIGINS:
            self._logged_origins.add(origin)
            log.warning("origin_refused", origin=origin, hint="ALLOWED_ORIGINS names who may connect")
