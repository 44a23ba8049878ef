"""What every socket of this process shares."""

from dataclasses import dataclass
from re import Pattern

from websockets.typing import Origin

from rte_common.auth import TokenVerifier
from rte_realtime_gateway.authorization import TokenGate
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """Made by the app's lifespan, found by the sockets in its state."""

    settings: Settings
    hub: Hub
    gate: TokenGate
    verifier: TokenVerifier

    @property
    def origins(self) -> list[Origin | Pattern[str] | None] | None:
        """Pages that may connect; None lets all. Clients that are no browsers send no origin and are let in."""
        allowed = self.settings.allowed_origins or self.settings.clerk_authorized_parties
        return None if "*" in allowed else [None, *map(Origin, allowed)]
