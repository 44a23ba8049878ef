"""What a request finds in its state: the parts of the running process."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from rte_api.authentication import Authentication
from rte_common.database import Database


@dataclass(frozen=True, slots=True)
class Wiring:
    """Made once by the lifespan, and shared by all requests."""

    database: Database
    authentication: Authentication


def wiring(connection: HTTPConnection) -> Wiring:
    """The parts that serve this request."""
    found: Wiring = connection.scope["state"]["wiring"]
    return found
