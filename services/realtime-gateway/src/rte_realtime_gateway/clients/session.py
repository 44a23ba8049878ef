"""A session: one client on one websocket. It reads the client's frames and writes the server's; it does no I/O."""

from collections.abc import Callable

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.limits import (
    BYTES_OF_A_MESSAGE,
    FREE_BYTES,
    MAX_CHANNELS,
    SOCKET_JOIN_RATE,
    SOCKET_MESSAGE_RATE,
    RateLimit,
)
from rte_realtime_gateway.changes.positions import keep_latest
from rte_realtime_gateway.clients.channel import Channel, Gate
from rte_realtime_gateway.clients.resume import ResumePoints
from rte_realtime_gateway.clients.writer import Outlet, Writer
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.frames import (
    MAX_HEADER_FIELD,
    BadFrame,
    Message,
    Version,
    decode_binary,
    decode_text,
    is_broadcast,
)
from rte_realtime_gateway.protocol.join import BadJoin, JoinRequest
from rte_realtime_gateway.protocol.messages import CloseCode

PHOENIX = "phoenix"
"""Topic of heartbeats, and of answers to what belongs to no channel."""
IDLE_SECONDS = 90.0
"""Seconds that a client may be silent, or without a channel. It sends a heartbeat every 25 s, but browsers wake hidden
tabs once a minute only."""
MAX_BAD_FRAMES = 10
"""Frames that cannot be understood before the socket is closed."""
MAX_JOIN_BYTES = 1 << 16
"""Bytes of a join, whose request is kept as long as the channel, before anybody knows whose it is."""


class Session:
    """Session of one client. Version, key and client id come from the address that it connected to."""

    def __init__(
        self,
        hub: Hub,
        gate: Gate,
        outlet: Outlet,
        version: Version,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
    ) -> None:
        self.client_id = client_id
        """Name that the client gives itself: the same after a reconnect."""
        self.deadline = hub.clock() + IDLE_SECONDS
        """Time by the hub's clock at which `check_deadlines` has something to do, at the earliest."""
        self.writer = Writer(outlet, version)
        self._hub = hub
        self._gate = gate
        self._outlet = outlet
        self._api_key = api_key
        self._points = ResumePoints(hub.positions, hub.fanout, client_id)
        self._heard_at = self._channel_at = hub.clock()
        self._channels: dict[str, Channel] = {}
        self._bad_frames = 0
        self._joins = RateLimit(*SOCKET_JOIN_RATE)
        self._messages = RateLimit(*SOCKET_MESSAGE_RATE)
        self._is_trusted = False
        """Whether a channel was opened, so that it is known who the client is."""
        self._without_token: dict[str, None] = {}
        """Topics that were joined without a token."""
        hub.add(self)
        metrics.SOCKETS.inc()

    # Messages

    def heard(self) -> None:
        """Take any sign of life of the client."""
        self._heard_at = self._hub.clock()

    def receive(self, data: str | bytes) -> None:
        """Take one websocket message: text, or bytes of a binary one."""
        self.heard()
        amount = 1 if self._is_trusted else 1 + max(0, len(data) - FREE_BYTES) // BYTES_OF_A_MESSAGE
        if wait := self._messages.overdraw(self._heard_at, amount):
            self._outlet.slow_down(wait)
        try:
            self._handle(self._decode(data))
        except BadFrame as error:
            self._refuse(error, data)

    def _refuse(self, error: BadFrame, data: str | bytes) -> None:
        metrics.DROPS.labels("bad_frame").inc()
        reply = messages.error(f"BadFrame: {error}")
        if error.message is not None:
            self._reply(error.message, reply)
            return
        self.writer.push(PHOENIX, "phx_reply", reply)
        # realtime-js before 2.110.4 damages each broadcast with a name that is not ASCII: no reason to close.
        self._bad_frames += not is_broadcast(data)
        if self._bad_frames >= MAX_BAD_FRAMES:
            self.close(*CloseCode.BAD_FRAMES)

    def _decode(self, data: str | bytes) -> Message:
        if isinstance(data, str):
            return decode_text(self.writer.version, data)
        if self.writer.version is Version.V1:
            raise BadFrame("Version 1.0.0 has no binary frames")
        return decode_binary(data)

    def _handle(self, message: Message) -> None:
        if message.topic == PHOENIX:
            if message.event == "heartbeat":
                self._reply(message, messages.ok())
                self.ping()
            return
        channel = self._channels.get(message.topic)
        if message.event == "phx_join":
            self._join(message)
        elif message.event == "phx_leave":
            if channel is None:
                self._points.leave(message.topic)  # its channel has ended with an error, and it gives up
                self._reply(message, messages.ok())
            elif message.join_ref in (None, channel.join_ref):
                channel.leave(message)
            else:
                self._reply(message, messages.ok())  # an earlier join was left, which the later has replaced
        elif channel is not None:
            # A join_ref that is absent or unknown is fine: clients before 2.100 and Python leave it out.
            channel.receive(message)
        elif message.ref is not None and message.event != "access_token":
            self._reply(message, messages.error("unmatched topic"))

    def _join(self, message: Message) -> None:
        superseded = self._channels.get(message.topic)
        if superseded is not None:
            # Without phx_close: the Python client takes any for final, even that of a join it has repeated.
            self.remove(superseded)
            superseded.end()
        try:
            self._check_limits()
            request = _read_join(message)
        except Refused as refusal:
            metrics.JOINS.labels("refused").inc()
            self._reply(message, messages.error(refusal.reason))
            return
        channel = Channel(
            self,
            self.writer,
            self._hub,
            self._gate,
            self._points,
            message.topic,
            request,
            api_key=self._api_key,
            join=message,
            superseded=superseded,
        )
        self._channels[message.topic] = channel
        self.remind(channel.deadline)
        metrics.CHANNELS.inc()
        channel.begin()

    def _check_limits(self) -> None:
        if self._hub.draining:
            raise Refused("RealtimeRestarting: Realtime is restarting, please standby")
        if len(self._channels) >= MAX_CHANNELS:
            raise Refused("ChannelRateLimitReached: Too many channels")
        if not self._joins.acquire(self._hub.clock()):
            raise Refused("ClientJoinRateLimitReached: Too many joins per second")

    def remove(self, channel: Channel) -> None:
        """Drop a channel that ends, or has ended."""
        # A client that reads nothing may join again as often as it likes: what it was about to be sent is not kept.
        channel.writer.cancel()
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]
            self._channel_at = self._hub.clock()
            metrics.CHANNELS.dec()

    def _reply(self, message: Message, payload: bytes) -> None:
        self.writer.push(message.topic, "phx_reply", payload, ref=message.ref, join_ref=message.join_ref)

    def trust(self) -> None:
        """Take the client for what it says: it has shown a member's token."""
        if not self._is_trusted:
            self._is_trusted = True
            self._outlet.take_long_messages()

    def joins_without_token(self, topic: str) -> bool:
        """Note that the topic was joined without a token; returns whether it was before."""
        before = topic in self._without_token
        keep_latest(self._without_token, topic, None)
        return before

    @property
    def held_bytes(self) -> int:
        """Bytes of the messages that wait for channels to be ready."""
        return sum(channel.held_bytes for channel in self._channels.values())

    # What the client received

    def ping(self) -> None:
        """Find out what the client received: it answers after everything that was written until now."""
        ping = self._points.ping(channel.changes for channel in self._channels.values())
        if ping is not None:
            self.writer.write(ping)

    def answered(self, payload: bytes) -> None:
        """Take the client's answer to a ping."""
        if self._points.answered(payload):
            self._hub.acknowledgements.request(self)

    def close_answered(self, shared: Callable[[], None] = lambda: None) -> None:
        """Take the client's answer to our close: it has had everything written before, and may soon be elsewhere.

        Calls `shared` when the peers know.
        """
        self._points.close_answered()
        self._hub.positions.share_now(shared)

    def reset(self) -> None:
        """Go on in another stream of changes: offsets in the one before mean nothing."""
        self._points.reset()
        for channel in list(self._channels.values()):
            channel.changes.reset()

    # The socket's state

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended it."""
        return self in self._hub.clients

    @property
    def lagging(self) -> bool:
        """Whether the client takes less than it is sent."""
        return self.writer.lagging

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the client."""
        return self._outlet.queued_bytes

    def rewire(self, *, lagging: bool) -> None:
        """Write in the outlet's present way: the client began to lag behind, or has caught up."""
        self.writer.rewire(lagging=lagging)
        for channel in self._channels.values():
            channel.rewire()
        if not lagging:
            self.writer.proceed()

    # The end

    def remind(self, deadline: float) -> None:
        """Have `check_deadlines` called at this time, or before."""
        self.deadline = min(self.deadline, deadline)

    def check_deadlines(self) -> None:
        """End what has run out, and find out when to look again."""
        now = self._hub.clock()
        for channel in list(self._channels.values()):
            channel.check_deadline()
        idle_at = self._heard_at + IDLE_SECONDS
        empty_at = self._channel_at + IDLE_SECONDS if not self._channels else idle_at
        if idle_at <= now:
            self.close(*CloseCode.IDLE)
        elif empty_at <= now:
            self.close(*CloseCode.NO_CHANNEL)
        self.deadline = min([idle_at, empty_at, *(channel.deadline for channel in self._channels.values())])

    def expel(self, team_id: str, user_id: str) -> None:
        """End the channels of a member who lost the team."""
        for channel in [channel for channel in self._channels.values() if channel.is_of(team_id, user_id)]:
            channel.close("You are no longer in this team")

    def expel_session(self, session_id: str) -> None:
        """End the channels of a sign-in that was ended."""
        for channel in [channel for channel in self._channels.values() if channel.is_of_session(session_id)]:
            channel.close("You were signed out")

    def close(self, code: int, reason: str) -> None:
        """End the session for a named reason; what was written until now reaches the client before the close does."""
        self.ended()
        metrics.DROPS.labels(f"closed_{code}").inc()
        self._outlet.close(code, reason)

    def send_away(self) -> None:
        """End the session because the process stops: another one, or the next, goes on."""
        for channel in self._channels.values():
            channel.announce_disconnect()
        self.close(*CloseCode.RESTART)

    def overflow(self) -> None:
        """End the session because something was not written to a slow client: it must come back and resume.

        Never call it from within a write: whoever writes may be in the middle of opening or ending a channel.
        """
        if self.is_open:
            self.close(*CloseCode.SLOW)
        # Channels that ended since then believe that everything was written.
        self._points.doubt()

    def ended(self) -> None:
        """Record that the socket is gone, or going."""
        if not self.is_open:
            return
        self._hub.remove(self)
        metrics.SOCKETS.dec()
        for channel in list(self._channels.values()):
            self.remove(channel)
            channel.end()
        self.writer.cancel_all()


def _read_join(message: Message) -> JoinRequest:
    """The join's request; raises Refused when it cannot be granted to anybody."""
    if not message.topic.startswith(messages.PREFIX):
        raise Refused("unmatched topic")
    if len(message.topic.encode()) > MAX_HEADER_FIELD:
        raise Refused(f"TopicTooLong: at most {MAX_HEADER_FIELD} bytes")
    if message.size > MAX_JOIN_BYTES:
        raise Refused(f"JoinTooLarge: at most {MAX_JOIN_BYTES} bytes")
    authorization.owner_of(message.topic.removeprefix(messages.PREFIX))
    try:
        return join.read(message.payload)
    except BadJoin as error:
        raise Refused(str(error)) from error
