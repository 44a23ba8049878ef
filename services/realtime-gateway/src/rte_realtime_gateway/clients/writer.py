"""Writers: server messages on their way to one client, and what waits until a slow one has read more."""

from collections.abc import Callable
from itertools import chain
from typing import Protocol

from rte_realtime_gateway.ports import Write
from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.frames import Message, Ref, Version, push


class Outlet(Protocol):
    """Port to the socket's writing end: `server.socket.GatewaySocket`."""

    @property
    def write(self) -> Write:
        """The present way of writing bytes."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that the client was sent and has not taken yet."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, and call `Session.ended`."""

    def slow_down(self, seconds: float) -> None:
        """Take nothing from the client for so long."""

    def take_long_messages(self) -> None:
        """Take messages of any allowed length: it is known whose they are."""


class Writer:
    """Writer to one client, in its protocol version."""

    def __init__(self, outlet: Outlet, version: Version) -> None:
        self.version = version
        self.write = outlet.write
        self.lagging = False
        """Whether the client takes less than it is sent."""
        self._outlet = outlet
        self._waiting: dict[ChannelWriter, list[Callable[[], None]]] = {}
        """Calls that wait until the client has read more."""

    def push(self, topic: str, event: str, payload: bytes, *, ref: Ref = None, join_ref: Ref = None) -> None:
        """Write one server message."""
        self.write(push(self.version, topic, event, payload, ref=ref, join_ref=join_ref))

    def rewire(self, *, lagging: bool) -> None:
        """Write in the outlet's present way: the client began to lag behind, or has caught up."""
        self.lagging = lagging
        self.write = self._outlet.write

    def when_writable(self, channel: "ChannelWriter", proceed: Callable[[], None]) -> None:
        """Call `proceed` once the client has taken most of what it was sent, if the channel has not ended by then."""
        self._waiting.setdefault(channel, []).append(proceed)

    def proceed(self) -> None:
        """Let go on what waits for a client that lags no longer."""
        waiting, self._waiting = self._waiting, {}
        for proceed in chain.from_iterable(waiting.values()):
            proceed()

    def cancel(self, channel: "ChannelWriter") -> None:
        """Drop what waits for the channel: it has ended."""
        self._waiting.pop(channel, None)

    def cancel_all(self) -> None:
        """Drop everything that waits: the socket is gone."""
        self._waiting.clear()


class ChannelWriter:
    """Writer of one channel's messages."""

    def __init__(self, writer: Writer, topic: str, join_ref: Ref) -> None:
        self.topic = topic
        self.version = writer.version
        self._writer = writer
        self.join_ref = join_ref
        """Number of the join."""

    @property
    def name(self) -> str:
        """Topic without its prefix, which is what people see."""
        return self.topic.removeprefix(messages.PREFIX)

    @property
    def write(self) -> Write:
        """The client's present way of being written to."""
        return self._writer.write

    @property
    def lagging(self) -> bool:
        """Whether the client takes less than it is sent."""
        return self._writer.lagging

    def reply(self, question: Message, payload: bytes) -> None:
        """Answer a message of the client, whose join_ref is perhaps that of an earlier join: it knows it by that."""
        join_ref = self.join_ref if question.join_ref is None else question.join_ref
        self._writer.push(self.topic, "phx_reply", payload, ref=question.ref, join_ref=join_ref)

    def reply_to_join(self, ref: Ref, payload: bytes) -> None:
        """Answer the join."""
        self._push("phx_reply", payload, ref)

    def send(self, event: str, payload: bytes) -> None:
        """Write a message that answers nothing."""
        self._push(event, payload, None)

    def end(self, event: str, payload: bytes) -> None:
        """Write the message that ends the channel: it refers to the join."""
        self._push(event, payload, self.join_ref)

    def system(self, status: str, message: str, *, extension: str = "postgres_changes") -> None:
        """Write a `system` message."""
        self.send("system", messages.system(self.name, status, message, extension))

    def _push(self, event: str, payload: bytes, ref: Ref) -> None:
        self._writer.push(self.topic, event, payload, ref=ref, join_ref=self.join_ref)

    def when_writable(self, proceed: Callable[[], None]) -> None:
        """Call `proceed` once the client has taken most of what it was sent, unless the channel has ended by then."""
        self._writer.when_writable(self, proceed)

    def cancel(self) -> None:
        """Drop what waits: the channel has ended."""
        self._writer.cancel(self)
