"""Acknowledgements: clients are asked by websocket pings what has arrived, at a bounded rate."""

from collections.abc import Callable, Iterable

from rte_realtime_gateway.access.limits import RateLimit
from rte_realtime_gateway.ports import Client, Later

PING_RATE = 1_000.0, 500.0
"""Pings a second and at once: few clients are asked after each write, thousands in turn."""
RETRY_SECONDS = 0.05
"""Seconds after which the clients are asked for whom the rate had no ping."""


class Acknowledgements:
    """Clients that are still to be asked, each once however much was written to it meanwhile."""

    def __init__(self, later: Later, clock: Callable[[], float]) -> None:
        self._later = later
        self._clock = clock
        self._waiting: dict[Client, None] = {}
        self._pings = RateLimit(*PING_RATE)
        self._scheduled = False

    def request(self, client: Client) -> None:
        """Find out soon what the client received, if it can resume."""
        if client.client_id is not None:
            self.add((client,))
            self.ping()

    def add(self, clients: Iterable[Client]) -> None:
        """Have these clients asked by the next `ping`."""
        self._waiting.update(dict.fromkeys(clients))

    def ping(self) -> None:
        """Ping as many clients as the rate allows, and the others later."""
        while self._waiting and self._pings.acquire(self._clock()):
            client = next(iter(self._waiting))
            del self._waiting[client]
            client.ping()
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._later(RETRY_SECONDS, self._ping_again)

    def _ping_again(self) -> None:
        self._scheduled = False
        self.ping()

    def discard(self, client: Client) -> None:
        """Ask the client no more: it is gone."""
        self._waiting.pop(client, None)
