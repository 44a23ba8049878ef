"""A session: one client on one websocket. It reads the client's frames and writes the server's; it does no I/O."""

from collections.abc import Callable
from itertools import chain
from typing import Protocol

import structlog

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.limits import MAX_CHANNELS, SOCKET_JOINS, SOCKET_MESSAGES, Allowance
from rte_realtime_gateway.changes.audience import Write
from rte_realtime_gateway.changes.positions import Places, client_key, keep
from rte_realtime_gateway.clients.channel import Channel
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.close_codes import Closing
from rte_realtime_gateway.protocol.frames import (
    MAX_HEADER_FIELD,
    BadFrame,
    Message,
    Version,
    decode_binary,
    decode_text,
    is_broadcast,
    ping_frame,
    push,
)
from rte_realtime_gateway.protocol.join import BadJoin, JoinRequest

log = structlog.get_logger(__name__)

PHOENIX = "phoenix"
"""The topic of heartbeats, and of answers to what belongs to no channel."""
IDLE_SECONDS = 60.0
"""How long a client may be silent, or without a channel; it sends a heartbeat every 25 s."""
MAX_BAD_FRAMES = 10
MAX_JOIN_BYTES = 1 << 16
"""What a join asks for is kept as long as the channel, before anybody knows whose it is."""

Where = tuple[str, str]
"""Client key and subscription: a place counts only for the member, in the team, by whom it was earned."""


class Gate(Protocol):
    """Checks tokens: calls one of the two, at once or soon."""

    def check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        """Check a token."""


class Outlet(Protocol):
    """The socket's writing end."""

    @property
    def write(self) -> Write:
        """Writes bytes as they are."""

    @property
    def queued(self) -> int:
        """Bytes that the client was sent and has not taken yet."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, and call `Session.ended`."""

    def slow_down(self, seconds: float) -> None:
        """Take nothing from the client for so long."""


class Session:
    """One client. Version, key and client id come from the address that it connected to."""

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
        self.hub = hub
        self.gate = gate
        self.version = version
        self.api_key = api_key
        self.client_id = client_id
        """What the client calls itself: the same after a reconnect."""
        self.write = outlet.write
        self.lagging = False
        """Whether the client takes less than it is sent."""
        self.deadline = hub.clock() + IDLE_SECONDS
        """When `check_deadlines` has something to do, at the earliest."""
        self._heard_at = self._channel_at = hub.clock()
        self._outlet = outlet
        self._channels: dict[str, Channel] = {}
        self._bad_frames = 0
        self._joins = Allowance(*SOCKET_JOINS)
        self._messages = Allowance(*SOCKET_MESSAGES)
        self._places: dict[Where, int] = {}
        """Where channels that ended on this socket were."""
        self._promised: Places = {}
        """Where channels that ended without ever having a token would have begun."""
        self._left: dict[str, None] = {}
        """Topics that the client left on purpose and has not joined again."""
        self._without_token: dict[str, None] = {}
        self._stream = hub.positions.stream
        """In which the places are."""
        self._pinged: dict[Where, int] | None = None
        """What the outstanding ping's answer will prove."""
        self._pings = 0
        self._ping_again = False
        self._when_writable: dict[Channel, list[Callable[[], None]]] = {}
        hub.sessions.add(self)
        metrics.SOCKETS.inc()

    # Messages

    def heard(self) -> None:
        """The client is there."""
        self._heard_at = self.hub.clock()

    def receive(self, data: str | bytes) -> None:
        """Take one websocket message: text, or bytes of a binary one."""
        self.heard()
        if wait := self._messages.wait(self._heard_at):
            self._outlet.slow_down(wait)
        try:
            self._handle(decode_text(self.version, data) if isinstance(data, str) else self._decode_binary(data))
        except BadFrame as error:
            # realtime-js before 2.110.4 damages each broadcast with a name that is not ASCII: no reason to close.
            self._bad_frames += not is_broadcast(data)
            metrics.DROPS.labels("bad_frame").inc()
            self.push(PHOENIX, "phx_reply", messages.error(f"BadFrame: {error}"))
            if self._bad_frames >= MAX_BAD_FRAMES:
                self.close(*Closing.BAD_FRAMES)

    def _decode_binary(self, data: bytes) -> Message:
        if self.version is Version.V1:
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
                self.forget_places(message.topic)  # its channel has ended with an error, and it gives up
                self._reply(message, messages.ok())
            else:
                channel.leave(message.ref)
        elif channel is not None:
            # An absent or old join_ref is fine: clients before 2.100 and Python leave it out.
            channel.receive(message)
        elif message.ref is not None and message.event != "access_token":
            self._reply(message, messages.error("unmatched topic"))

    def _join(self, message: Message) -> None:
        if superseded := self._channels.get(message.topic):
            # Without phx_close: the Python client takes any for final, even that of a join it has repeated.
            self.forget(superseded)
            superseded.end()
        try:
            self._check_limits()
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

    def _check_limits(self) -> None:
        if self.hub.draining:
            raise Refused("RealtimeRestarting: Realtime is restarting, please standby")
        if len(self._channels) >= MAX_CHANNELS:
            raise Refused("ChannelRateLimitReached: Too many channels")
        if not self._joins.take(self.hub.clock()):
            raise Refused("ClientJoinRateLimitReached: Too many joins per second")

    def forget(self, channel: Channel) -> None:
        """The channel ends, or has ended."""
        # A client that reads nothing may join again as often as it likes: what it was about to be told is not kept.
        self._when_writable.pop(channel, None)
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]
            self._channel_at = self.hub.clock()
            metrics.CHANNELS.dec()

    def _reply(self, message: Message, payload: bytes) -> None:
        self.push(message.topic, "phx_reply", payload, ref=message.ref, join_ref=message.join_ref)

    def push(
        self, topic: str, event: str, payload: bytes, *, ref: str | None = None, join_ref: str | None = None
    ) -> None:
        """Write one server message."""
        self.write(push(self.version, topic, event, payload, ref=ref, join_ref=join_ref))

    def joins_without_token(self, topic: str) -> bool:
        """Note that the topic was joined without a token; returns whether it was before."""
        before = topic in self._without_token
        keep(self._without_token, topic, None)
        return before

    @property
    def held_bytes(self) -> int:
        """Size of the messages that wait for channels to be ready."""
        return sum(channel.held_bytes for channel in self._channels.values())

    # Where the client is

    def known_place(self, subscription: str, member: Member) -> tuple[int | None, bool]:
        """From where to go on, if that is known, and whether the client has had everything before."""
        promised = self._promised.pop(subscription, None)
        where = self._where(member, subscription)
        here = self._places.pop(where, None)
        topic = _topic_of(subscription)
        if topic in self._left:
            del self._left[topic]
            self.hub.positions.forget(*where, self.hub.head)
            return None, False
        if here is None and self.client_id is not None:
            here = self.hub.positions.of(*where)
        return (promised, False) if here is None else (here, True)

    def _where(self, member: Member, subscription: str) -> Where:
        return client_key(member, self.client_id or ""), subscription

    def remember_place(self, subscription: str, place: int, member: Member | None) -> None:
        """A channel ended after this change: the member had everything; without one, it promised what comes after."""
        if member is None:
            keep(self._promised, subscription, place)
        else:
            keep(self._places, self._where(member, subscription), place)

    def forget_places(self, topic: str, present: tuple[str, Member] | None = None) -> None:
        """The client left on purpose: a later join begins anew, even if nobody knows yet whose channel that was.
        `present`: the subscription that it still had, and its member."""
        keep(self._left, topic, None)
        pinged = self._pinged or {}
        known = {where for where in (*self._places, *pinged) if _topic_of(where[1]) == topic}
        if present is not None:
            subscription, member = present
            known.add(self._where(member, subscription))
        for where in known:
            self._places.pop(where, None)
            pinged.pop(where, None)
            self.hub.positions.forget(*where, self.hub.head)

    def ping(self) -> None:
        """Find out what the client received: it answers after everything that was written until now."""
        if self.client_id is None or self._pinged is not None:
            self._ping_again = True
            return
        channels = [(channel, channel.had_all_by) for channel in self._channels.values()]
        places = {self._where(member, channel.subscription): channel.place for channel, member in channels if member}
        if not places:
            return
        self._pinged = places
        self._pings += 1
        self.write(ping_frame(self._pings.to_bytes(4, "big")))

    def answered(self, payload: bytes) -> None:
        """The client answered a ping."""
        if self._pinged is None or payload != self._pings.to_bytes(4, "big"):
            return
        places, self._pinged = self._pinged, None
        self._note_received(places)
        if self._ping_again:
            self._ping_again = False
            self.hub.ask(self)

    def begin_anew(self) -> None:
        """The stream of changes is another one: places in the one before mean nothing."""
        self._stream = self.hub.positions.stream
        self._places.clear()
        self._promised.clear()
        self._pinged, self._ping_again = None, False
        for channel in list(self._channels.values()):
            channel.begin_anew()

    def _note_received(self, places: dict[Where, int]) -> None:
        if self._stream != self.hub.positions.stream or self.client_id is None:
            return  # the stream was replaced while it closed, or nobody could return
        for (client, subscription), place in places.items():
            self.hub.positions.advance(client, {subscription: place})

    # The socket's state

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended it."""
        return self in self.hub.sessions

    @property
    def queued(self) -> int:
        """Bytes that wait for the client."""
        return self._outlet.queued

    def rewire(self, *, lagging: bool) -> None:
        """The outlet has another way of writing: the client began to lag behind, or has caught up."""
        self.lagging = lagging
        self.write = self._outlet.write
        for channel in self._channels.values():
            channel.rewire()
        if not lagging:
            waiting, self._when_writable = self._when_writable, {}
            for proceed in chain.from_iterable(waiting.values()):
                proceed()

    def when_writable(self, channel: Channel, proceed: Callable[[], None]) -> None:
        """Call `proceed` once the client has taken most of what it was sent, if the channel has not ended by then."""
        self._when_writable.setdefault(channel, []).append(proceed)

    # The end

    def remind(self, deadline: float) -> None:
        """Have `check_deadlines` called at this time, or before."""
        self.deadline = min(self.deadline, deadline)

    def check_deadlines(self) -> None:
        """End what has run out, and find out when to look again."""
        now = self.hub.clock()
        for channel in list(self._channels.values()):
            channel.check_deadline()
        idle_at = self._heard_at + IDLE_SECONDS
        empty_at = self._channel_at + IDLE_SECONDS if not self._channels else idle_at
        if idle_at <= now:
            self.close(*Closing.IDLE)
        elif empty_at <= now:
            self.close(*Closing.NO_CHANNEL)
        self.deadline = min([idle_at, empty_at, *(channel.deadline for channel in self._channels.values())])

    def expel(self, team_id: str, user_id: str) -> None:
        """The member lost the team: their channels end."""
        for channel in [channel for channel in self._channels.values() if channel.is_of(team_id, user_id)]:
            channel.close("You are no longer in this team")

    def expel_session(self, session_id: str) -> None:
        """The member was signed out: channels of that sign-in end."""
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
        self.close(*Closing.RESTART)

    def overflow(self) -> None:
        """The client took so little that something was not written: it must come back and resume. Never call it from
        within a write: whoever writes may be in the middle of opening or ending a channel."""
        if self.is_open:
            self.close(*Closing.SLOW)
        # Channels that ended since then believe that everything was written.
        self._places.clear()

    def close_answered(self, told: Callable[[], None] = lambda: None) -> None:
        """The client answered our close: it has had everything written before it, and may be elsewhere in a moment.
        Calls `told` when the other replicas know."""
        self._note_received(self._places)
        self.hub.positions.tell_now(told)

    def ended(self) -> None:
        """The socket is gone, or going."""
        if not self.is_open:
            return
        self.hub.drop(self)
        metrics.SOCKETS.dec()
        for channel in list(self._channels.values()):
            self.forget(channel)
            channel.end()
        self._when_writable.clear()


def _topic_of(subscription: str) -> str:
    return subscription.rpartition("#")[0]


def _read_join(message: Message) -> JoinRequest:
    """What the client asks for; raises Refused when that cannot be granted to anybody."""
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
