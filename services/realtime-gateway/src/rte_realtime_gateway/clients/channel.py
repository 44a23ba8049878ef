"""A channel: one topic that one client joined, from the join to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import orjson
import structlog

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Grant, Refused
from rte_realtime_gateway.access.limits import MAX_LOGGED_CHARACTERS
from rte_realtime_gateway.clients.client_messages import ClientMessages
from rte_realtime_gateway.clients.resume import ChangeSubscription, ResumePoints
from rte_realtime_gateway.clients.writer import ChannelWriter, Writer
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.ports import Client, Write
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.frames import Message, Ref
from rte_realtime_gateway.protocol.join import JoinRequest
from rte_realtime_gateway.rooms.rooms import Room, RoomName

log = structlog.get_logger(__name__)

TOKEN_SECONDS = 1.0
"""Seconds that a channel may stay joined without a token. supabase-js sends it right after the join's reply; not at all
if its callback answers while the join is on its way, but then it is in the next join (realtime-js, `_performAuth`)."""
REJOIN_TOKEN_SECONDS = 30.0
"""Seconds that a client has for it which came without a token before: it shall not join again every other second."""
MAX_HELD_MESSAGES = 100
"""Messages kept for a channel that is not ready; realtime-js buffers as many."""
MAX_HELD_BYTES = 1 << 16
"""Bytes of the messages kept for all channels of a socket: nobody knows yet whose it is."""


MAX_EARLIER_JOINS = 10
"""Joins of one topic whose numbers are remembered after they were replaced."""


class Gate(Protocol):
    """Port to the check of tokens: `access.token_gate.TokenGate`."""

    def check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        """Check a token, and call one of the two, at once or soon."""


class Owner(Client, Protocol):
    """Port to the session, as its channels see it: `clients.session.Session`."""

    @property
    def held_bytes(self) -> int:
        """Bytes of the messages that wait for channels to be ready."""

    def remove(self, channel: "Channel") -> None:
        """Drop a channel that ends, or has ended."""

    def joins_without_token(self, topic: str) -> bool:
        """Note that the topic was joined without a token; returns whether it was before."""

    def trust(self) -> None:
        """Take the client for what it says: it has shown a member's token."""

    def remind(self, deadline: float) -> None:
        """Have `check_deadline` called at this time, or before."""


class State(Enum):
    """The state of a channel."""

    JOINING = auto()
    """The reply waits for the token check, or for the sources of changes."""
    TOKENLESS = auto()
    """Joined, but nobody knows by whom: nothing is delivered until a token comes."""
    OPEN = auto()
    """Joined by a member, who gets what the token grants."""
    ENDED = auto()
    """Left, refused, failed or closed: nothing is delivered any more."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The room of an open channel, and what its client says there."""

    room: Room
    messages: ClientMessages


class Channel:
    """Membership of a client in one topic. The session owns it and passes its messages on."""

    def __init__(
        self,
        owner: Owner,
        writer: Writer,
        hub: Hub,
        gate: Gate,
        points: ResumePoints,
        topic: str,
        request: JoinRequest,
        *,
        api_key: str | None,
        join: Message,
        superseded: "Channel | None" = None,
    ) -> None:
        self.client: Client = owner
        self.topic = topic
        self.version = writer.version
        self.join_ref = join.ref if join.join_ref is None else join.join_ref
        """Number of the join, which the client's messages and ours refer to."""
        self.earlier_joins = superseded.latest_joins if superseded else ()
        """Numbers of the joins that this one replaced. The client may still speak of them."""
        self.writer = ChannelWriter(writer, topic, self.join_ref)
        self.state = State.JOINING
        self.deadline = hub.clock() + request.patience
        """Time by the hub's clock at which `check_deadline` has something to do."""
        self.changes = ChangeSubscription(self, self.writer, hub, points, request)
        self.sees_presence = request.presence
        self.hears_itself = request.self_broadcast
        self.held_bytes = 0
        """Bytes of the messages that wait for the channel to be ready."""
        self._owner = owner
        self._client_writer = writer
        self._hub = hub
        self._gate = gate
        self._points = points
        self._request = request
        self._api_key = api_key
        self._ref = join.ref
        """Number of the join's message, which its reply repeats."""
        self._grant: Grant | None = None
        self._token: str | None = None
        self._entered: Entered | None = None
        self._held: list[Message] = []
        self._logged = False

    @property
    def latest_joins(self) -> tuple[Ref, ...]:
        """Numbers of this join and of some that it replaced."""
        return (self.join_ref, *self.earlier_joins)[:MAX_EARLIER_JOINS]

    @property
    def write(self) -> Write:
        """The client's present way of being written to."""
        return self._client_writer.write

    # Joining

    def begin(self) -> None:
        """Check the token, if there is one, and answer the join as soon as changes flow."""
        key = authorization.session_token(self._api_key)
        token = authorization.session_token(self._request.token) or key
        if token is None:
            self._hub.readiness.when_ready(self._open)
            return
        self._token = token
        # An anon key looks like a token but belongs to nobody: such a client sends its member's token later.
        refused = self._join_without_token if token == key else self._refuse
        self._gate.check(token, self._identified, refused)

    def _identified(self, member: Member) -> None:
        if self.state is not State.JOINING:
            return
        try:
            self._grant = self._grant or self._decide(member)
        except Refused as refusal:
            self._refuse(refusal)
        else:
            self._hub.readiness.when_ready(self._open)

    def _decide(self, member: Member) -> Grant:
        limits = self._hub.limits
        if not self._hub.revocations.allows(member):
            raise Refused("Unauthorized: You are no longer in this team, or signed out")
        if self._grant is not None and not self.is_of(member.team_id, member.id):
            raise Refused("Unauthorized: The token is of another member or team: join again")
        # A renewal is no join: refusing it would end a channel that does nothing wrong.
        if self._grant is None and not limits.may_join(member):
            raise Refused("ClientJoinRateLimitReached: Too many joins per second")
        grant = authorization.decide(member, self.writer.name)
        if self._grant is None and not limits.open_channel(member):
            raise Refused("ChannelRateLimitReached: Too many channels of this member or team")
        return grant

    def _join_without_token(self, refusal: Refused) -> None:
        if refusal.reason == authorization.MALFORMED and authorization.session_token(self._request.token) is not None:
            self._refuse(refusal)
        elif self.state is State.JOINING:
            self._token = None
            self._hub.readiness.when_ready(self._open)

    def _refuse(self, refusal: Refused) -> None:
        if self.state is State.JOINING:
            self.writer.reply_to_join(self._ref, messages.error(refusal.reason))
            self._owner.remove(self)
            self.end()
            metrics.JOINS.labels("refused").inc()

    def _open(self) -> None:
        if self.state is not State.JOINING:
            return  # it ended while others opened
        self.writer.reply_to_join(self._ref, messages.ok({"postgres_changes": self._request.changes.echo}))
        metrics.JOINS.labels("ok").inc()
        self.changes.promise()
        if self._grant is None:
            self.state = State.TOKENLESS
            again = self._owner.joins_without_token(self.topic)
            self._set_deadline(self._hub.clock() + (REJOIN_TOKEN_SECONDS if again else TOKEN_SECONDS))
        else:
            self._enter(self._grant)

    def _enter(self, grant: Grant) -> None:
        """Begin to deliver: presence, kept broadcasts, what was missed, then what comes."""
        self.state = State.OPEN
        self._grant = grant
        self._owner.trust()
        self._set_deadline(self._hub.deadline_of(grant.member))
        self.changes.hold(grant)
        room = self._hub.rooms.enter(RoomName(grant.member.team_id, self.topic, self._request.private), self)
        self._entered = Entered(room, ClientMessages(self, self.writer, self._hub, room, self._request))
        if self.sees_presence:
            self._entered.messages.send_presence_state()
        self._entered.messages.send_replay()
        held, self._held, self.held_bytes = self._held, [], 0
        for message in held:
            self.receive(message)
        if not self.has_ended:
            self.changes.start()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is delivered any more."""
        return self.state is State.ENDED

    def announce_disconnect(self) -> None:
        """Say that the socket is about to be closed."""
        if self.state is not State.JOINING:
            self.writer.system("ok", messages.DISCONNECT, extension="system")

    # Messages

    def receive(self, message: Message) -> None:
        """Take a message of the client for this channel."""
        if message.join_ref in self.earlier_joins and message.event != "broadcast":
            # Said of a join that is over: it must not change what the later one has said. To the room it may speak.
            if message.event == "presence":
                self.writer.reply(message, messages.error("StaleJoin: The channel was joined again since"))
        elif message.event == "access_token":
            self._renew(join.token_of(message.payload))
        elif self._entered is None or self._grant is None:
            self._hold(message)
        else:
            self._entered.messages.receive(message, self._grant)

    def _hold(self, message: Message) -> None:
        if len(self._held) < MAX_HELD_MESSAGES and self._owner.held_bytes + message.size <= MAX_HELD_BYTES:
            self._held.append(message)
            self.held_bytes += message.size
        else:
            self.writer.reply(message, messages.error("TooManyMessages: The channel is not ready yet"))

    def _renew(self, token: str | None) -> None:
        """Take a newer token in place; what is no token, or the same, changes nothing."""
        if token is None or token == self._token or authorization.session_token(token) is None:
            return
        self._token = token
        self._gate.check(token, self._renewed, self._not_renewed)

    def _renewed(self, member: Member) -> None:
        if self.state is State.ENDED:
            return
        try:
            grant = self._decide(member)
        except Refused as refusal:
            if self.state is State.JOINING:
                self._refuse(refusal)
            else:
                self.fail(refusal.reason)
            return
        if self.state is State.TOKENLESS:
            self._enter(grant)
            return
        self._grant = grant
        if self.state is State.OPEN:
            self._set_deadline(self._hub.deadline_of(member))

    def _not_renewed(self, refusal: Refused) -> None:
        # The token before it may still be good, and a better one may follow: the deadline decides.
        self._token = None
        metrics.DROPS.labels("bad_token").inc()
        if not self._logged:  # a client may repeat it as fast as it likes
            self._logged = True
            log.info("token_refused", topic=self.topic, said=refusal.reason[:MAX_LOGGED_CHARACTERS])

    # The end

    def check_deadline(self) -> None:
        """End what has run out: the wait for changes to flow, for a token, or the token with its grace."""
        if self._hub.clock() < self.deadline:
            return
        match self.state:
            case State.JOINING:
                self._refuse(Refused("InitializingProjectConnection: Changes do not flow yet, try again"))
            case State.TOKENLESS:
                self.fail("Unauthorized: No access token came")
            case State.OPEN:
                self.fail(f"InvalidJWTToken: {self._expired()}")

    def _expired(self) -> str:
        ended_at = self._grant.member.expires_at if self._grant else self._hub.now()
        return authorization.expired(self._hub.now() - ended_at)

    def is_of(self, team_id: str, user_id: str) -> bool:
        """Whether it listens for this member of this team."""
        return self._grant is not None and (self._grant.member.team_id, self._grant.member.id) == (team_id, user_id)

    def is_of_session(self, session_id: str) -> bool:
        """Whether it listens for a member who signed in with this session."""
        return self._grant is not None and self._grant.member.session_id == session_id

    def fail(self, reason: str) -> None:
        """End it so that every client joins again. `phx_close` would be final for all of them."""
        self._owner.remove(self)
        self.end()
        for message in self._held:
            self.writer.reply(message, messages.error(reason))
        self.writer.end("phx_error", orjson.dumps({"reason": reason}))

    def close(self, reason: str) -> None:
        """End it for good: the client has no business here any more."""
        self._owner.remove(self)
        self.end(for_good=True)
        self.writer.system("ok", reason, extension="system")
        self.writer.end("phx_close", messages.EMPTY)

    def leave(self, message: Message) -> None:
        """End it because the client asks for it."""
        self._owner.remove(self)
        self.end(for_good=True)
        self._points.leave(self.topic, self.changes.key, self._grant.member if self._grant else None)
        self.writer.reply(message, messages.ok())
        self.writer.end("phx_close", messages.EMPTY)

    def end(self, *, for_good: bool = False) -> None:
        """Deliver nothing any more, and say nothing. Who may come back stays present for a while."""
        state, self.state = self.state, State.ENDED
        self._hub.readiness.cancel(self._open)
        if self._grant is not None and state is not State.ENDED:
            self._hub.limits.close_channel(self._grant.member)
        if self._entered is not None:
            self._entered.messages.end(for_good=for_good)
            self._hub.rooms.leave(self._entered.room, self)
        self.changes.stop()
        if not for_good and state in (State.TOKENLESS, State.OPEN):
            self._points.remember(self.changes)

    # Writing

    def rewire(self) -> None:
        """Be written to in the client's present way: it began to lag behind, or has caught up."""
        self.changes.rewire()

    def _set_deadline(self, deadline: float) -> None:
        self.deadline = deadline
        self._owner.remind(deadline)
