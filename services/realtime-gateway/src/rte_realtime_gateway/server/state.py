"""The state of the app: what its sockets and routes share."""

from typing import TypedDict

from rte_common.auth import TokenVerifier
from rte_realtime_gateway.clients.channel import Gate
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.server.handshake import Handshake
from rte_realtime_gateway.settings import Settings


class State(TypedDict):
    """Made by the app's lifespan; routes find it in `request.scope["state"]`, sockets get it from uvicorn."""

    settings: Settings
    hub: Hub
    gate: Gate
    handshake: Handshake
    verifier: TokenVerifier
