"""What every socket of this process shares."""

import logging
from dataclasses import dataclass
from functools import cached_property

from websockets.server import ServerProtocol
from websockets.typing import Origin

from rte_common.auth import TokenVerifier
from rte_realtime_gateway.authorization import TokenGate
from rte_realtime_gateway.compression import NEGOTIATED
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """Made by the app's lifespan, found by the sockets in its state."""

    settings: Settings
    hub: Hub
    gate: TokenGate
    verifier: TokenVerifier

    @cached_property
    def handshake(self) -> ServerProtocol:
        """Answers the upgrade requests of all sockets: it keeps nothing between two of them."""
        allowed = self.settings.allowed_origins or self.settings.clerk_authorized_parties
        # Clients that are no browsers send no origin and are let in.
        origins = None if "*" in allowed else [None, *map(Origin, allowed)]
        extensions = [NEGOTIATED] if self.settings.compression else None
        return ServerProtocol(origins=origins, extensions=extensions, logger=logging.getLogger("websockets.server"))
