"""Ports: what the shared parts see of a client and its channels, so that they need not know either."""

from collections.abc import Callable
from typing import Protocol

from rte_realtime_gateway.protocol.frames import Version

Write = Callable[[bytes], None]
"""Function that writes whole websocket frames as they are."""
Later = Callable[[float, Callable[[], None]], object]
"""Function that makes a call after some seconds, like the event loop's `call_later`."""


class Client(Protocol):
    """Port to one websocket with everything that its client joined: `clients.session.Session`."""

    @property
    def client_id(self) -> str | None:
        """The session id that the client keeps over reconnects; None: it cannot resume elsewhere."""

    @property
    def deadline(self) -> float:
        """Time by the hub's clock at which `check_deadlines` has something to do, at the earliest."""

    @property
    def lagging(self) -> bool:
        """Whether the client takes less than it is sent."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the client."""

    def ping(self) -> None:
        """Find out what the client received."""

    def check_deadlines(self) -> None:
        """End what has run out."""

    def reset(self) -> None:
        """Go on in another stream of changes."""

    def expel(self, team_id: str, user_id: str) -> None:
        """End the channels of a member who lost the team."""

    def expel_session(self, session_id: str) -> None:
        """End the channels of a sign-in that was ended."""

    def send_away(self) -> None:
        """Have the client connect to another process."""

    def close(self, code: int, reason: str) -> None:
        """End the websocket for a named reason."""


class Listener(Protocol):
    """Port to one joined channel, to which audiences and rooms write: `clients.channel.Channel`."""

    sees_presence: bool
    """Whether the client is sent presence state and diffs."""

    @property
    def client(self) -> Client:
        """Client whose channel it is."""

    @property
    def version(self) -> Version:
        """Protocol version of the frames that the client takes."""

    @property
    def write(self) -> Write:
        """The client's present way of being written to."""

    @property
    def hears_itself(self) -> bool:
        """Whether the client is sent its own broadcasts too."""
