"""What every socket of this process shares."""

import logging
from dataclasses import dataclass, field
from functools import cached_property

import structlog
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Origin

from rte_common.auth import TokenVerifier
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import TokenGate
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.server.compression import NEGOTIATED
from rte_realtime_gateway.settings import Settings

log = structlog.get_logger(__name__)

MAX_LOGGED_ORIGINS = 100
MAX_ORIGIN = 200
"""Characters of one in the log."""


@dataclass(frozen=True)
class Wiring:
    """Made by the app's lifespan, found by the sockets in its state."""

    settings: Settings
    hub: Hub
    gate: TokenGate
    verifier: TokenVerifier
    _logged_origins: set[str] = field(default_factory=set)

    @cached_property
    def handshake(self) -> ServerProtocol:
        """Answers the upgrade requests of all sockets: it keeps nothing between two of them."""
        allowed = self.settings.allowed_origins or self.settings.clerk_authorized_parties
        # Clients that are no browsers send no origin and are let in.
        origins = None if "*" in allowed else [None, *map(Origin, allowed)]
        extensions = [NEGOTIATED] if self.settings.compression else None
        return ServerProtocol(origins=origins, extensions=extensions, logger=logging.getLogger("websockets.server"))

    def note_refused_origin(self, request: Request) -> None:
        """Log the first refusal of each origin: the page learns nothing of the reason, and tries again for ever."""
        metrics.DROPS.labels("origin").inc()
        origin = ", ".join(request.headers.get_all("Origin"))[:MAX_ORIGIN]
        if origin not in self._logged_origins and len(self._logged_origins) < MAX_LOGGED_ORIGINS:
            self._logged_origins.add(origin)
            log.warning("origin_refused", origin=origin, hint="ALLOWED_ORIGINS names who may connect")
