"""A session: one client on one websocket. It reads the client's frames and writes the server's; it does no I/O."""

from typing import Protocol

import structlog

from rte_realtime_gateway import authorization, metrics
from rte_realtime_gateway.audience import Write
from rte_realtime_gateway.authorization import Gate, Refused
from rte_realtime_gateway.channel import Channel
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.frames import BadFrame, Message, Version, decode_binary, decode_text, push
from rte_realtime_gateway.protocol.join import BadJoin, JoinRequest

log = structlog.get_logger(__name__)

PHOENIX = "phoenix"
"""The topic of heartbeats, and of answers to what belongs to no channel."""
IDLE_SECONDS = 60.0
"""How long a client may be silent; it sends a heartbeat every 25 s."""
MAX_BAD_FRAMES = 10


class Closing:
    """Named ends of a socket: code and reason. Every client reconnects after each of them."""

    BAD_FRAMES = 1003, "too many frames that cannot be understood"
    BAD_TEXT = 1007, "text that is not UTF-8"
    RESTART = 1012, "the server restarts: connect again"
    SLOW = 4001, "the client reads too slowly: connect again"
    IDLE = 4002, "no heartbeat"
    NO_CHANNEL = 4003, "no channel joined"


class Outlet(Protocol):
    """The socket's writing end."""

    @property
    def write(self) -> Write:
        """Writes bytes as they are."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""


class Session:
    """One client. `version` and `api_key` come from the address that it connected to."""

    def __init__(self, hub: Hub, gate: Gate, outlet: Outlet, version: Version, api_key: str | None = None) -> None:
        self.hub = hub
        self.gate = gate
        self.version = version
        self.api_key = api_key
        self.write = outlet.write
        self.heard_at = hub.now()
        self.deadline = self.heard_at + IDLE_SECONDS
        """When `check_deadlines` has something to do, at the earliest."""
        self._outlet = outlet
        self._channels: dict[str, Channel] = {}
        self._bad_frames = 0
        hub.sessions.add(self)
        metrics.SOCKETS.inc()

    def receive(self, data: str | bytes) -> None:
        """Take one websocket message: text, or bytes of a binary one."""
        self.heard_at = self.hub.now()
        try:
            self._handle(decode_text(self.version, data) if isinstance(data, str) else decode_binary(data))
        except BadFrame as error:
            self._bad_frames += 1
            metrics.DROPS.labels("bad_frame").inc()
            self.push(PHOENIX, "phx_reply", messages.error(f"BadFrame: {error}"))
            if self._bad_frames >= MAX_BAD_FRAMES:
                self.close(*Closing.BAD_FRAMES)

    def _handle(self, message: Message) -> None:
        if message.topic == PHOENIX:
            if message.event == "heartbeat":
                self._reply(message, messages.ok())
            return
        channel = self._channels.get(message.topic)
        if message.event == "phx_join":
            self._join(message)
        elif message.event == "phx_leave":
            self._leave(message, channel)
        elif channel is not None:
            # An absent or old join_ref is fine: clients before 2.100 and Python leave it out.
            channel.receive(message)
        elif message.ref is not None:
            self._reply(message, messages.error("unmatched topic"))

    def _join(self, message: Message) -> None:
        if superseded := self._channels.get(message.topic):
            # Without phx_close: the Python client takes any for final, even that of a join it has repeated.
            self.forget(superseded)
            superseded.end()
        try:
            request = _read_join(message)
        except Refused as refusal:
            metrics.JOINS.labels("refused").inc()
            self._reply(message, messages.error(refusal.reason))
            return
        channel = Channel(self, message.topic, message.join_ref or message.ref, message.ref, request)
        self._channels[message.topic] = channel
        self.remind(channel.deadline)
        metrics.CHANNELS.inc()
        channel.begin()

    def _leave(self, message: Message, channel: Channel | None) -> None:
        if channel is None:
            self._reply(message, messages.ok())
            return
        self.forget(channel)
        channel.leave(message.ref)

    def forget(self, channel: Channel) -> None:
        """The channel has ended."""
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]
            metrics.CHANNELS.dec()

    def _reply(self, message: Message, payload: bytes) -> None:
        self.push(message.topic, "phx_reply", payload, ref=message.ref, join_ref=message.join_ref)

    def push(
        self, topic: str, event: str, payload: bytes, *, ref: str | None = None, join_ref: str | None = None
    ) -> None:
        """Write one server message."""
        self.write(push(self.version, topic, event, payload, ref=ref, join_ref=join_ref))

    def remind(self, deadline: float) -> None:
        """Have `check_deadlines` called at this time, or before."""
        self.deadline = min(self.deadline, deadline)

    def check_deadlines(self) -> None:
        """End what has run out, and find out when to look again."""
        for channel in list(self._channels.values()):
            channel.check_deadline()
        idle_at = self.heard_at + IDLE_SECONDS
        if idle_at <= self.hub.now():
            self.close(*Closing.IDLE)
        self.deadline = min([idle_at, *(channel.deadline for channel in self._channels.values())])

    def close(self, code: int, reason: str) -> None:
        """End the session for a named reason."""
        metrics.DROPS.labels(f"closed_{code}").inc()
        self._outlet.close(code, reason)

    def ended(self) -> None:
        """The socket is gone."""
        if self not in self.hub.sessions:
            return
        self.hub.sessions.discard(self)
        metrics.SOCKETS.dec()
        for channel in list(self._channels.values()):
            self.forget(channel)
            channel.end()


def _read_join(message: Message) -> JoinRequest:
    """What the client asks for; raises Refused when that cannot be granted to anybody."""
    if not message.topic.startswith(messages.PREFIX):
        raise Refused("unmatched topic")
    authorization.owner_of(message.topic.removeprefix(messages.PREFIX))
    try:
        return join.read(message.payload)
    except BadJoin as error:
        raise Refused(str(error)) from error
