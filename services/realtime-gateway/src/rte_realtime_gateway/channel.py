"""A channel: one topic that one client joined, from the join to its end."""

from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from rte_common.auth import Member
from rte_realtime_gateway import authorization, metrics
from rte_realtime_gateway.audience import Audience
from rte_realtime_gateway.authorization import Grant, Refused
from rte_realtime_gateway.hub import AudienceKey, Team
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.frames import Broadcast, Message
from rte_realtime_gateway.protocol.join import JoinRequest
from rte_realtime_gateway.room import Room, RoomName

if TYPE_CHECKING:
    from rte_realtime_gateway.session import Session

log = structlog.get_logger(__name__)

JOIN_SECONDS = 8.0
"""How long a join waits for the feed: clients give up after 10."""
SOFT_JOIN_SECONDS = 30.0
"""How long a channel may stay joined without a token. supabase-js sends it right after the join's reply."""
EXPIRY_GRACE_SECONDS = 35.0
"""How long a channel outlives its token: clients renew on a heartbeat, every 25 s, and need a while to do it."""
CATCH_UP_CHANGES = 100
"""Changes written at a time to a client that catches up."""
MAX_HELD = 100
"""Messages kept for a channel that is not ready; realtime-js buffers as many."""


class State(Enum):
    """Where a channel is in its life."""

    JOINING = auto()
    """The reply waits for the token check, or for the feed."""
    SOFT = auto()
    """Joined, but nobody knows by whom: nothing is delivered until a token comes."""
    OPEN = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Entered:
    """Where an open channel listens."""

    team: Team
    room: Room
    audience: Audience | None
    """None when no row changes were asked for."""


class Channel:
    """What a client gets from one topic. The session owns it and passes its messages on."""

    def __init__(self, session: "Session", topic: str, join_ref: str | None, ref: str | None, request: JoinRequest):
        self.session = session
        self.topic = topic
        self.name = topic.removeprefix(messages.PREFIX)
        self.request = request
        self.state = State.JOINING
        self.deadline = session.hub.now() + JOIN_SECONDS
        self._join_ref = join_ref
        self._ref = ref
        self._grant: Grant | None = None
        self._token: str | None = None
        self._entered: Entered | None = None
        self._position = 0
        self._held: list[Message] = []

    # Joining

    def begin(self) -> None:
        """Check the token, if there is one, and answer the join as soon as changes flow."""
        key = authorization.session_token(self.session.api_key)
        token = authorization.session_token(self.request.token) or key
        if token is None:
            self.session.hub.when_live(self._open)
            return
        self._token = token
        # An anon key looks like a token but belongs to nobody: such a client sends its member's token later.
        refused = self._join_without_token if token == key else self._refuse
        self.session.gate.check(token, self._identified, refused)

    def _identified(self, member: Member) -> None:
        if self.state is State.JOINING:
            try:
                self._grant = authorization.decide(member, self.name)
            except Refused as refusal:
                self._refuse(refusal)
            else:
                self.session.hub.when_live(self._open)

    def _join_without_token(self, _: Refused) -> None:
        if self.state is State.JOINING:
            self._token = None
            self.session.hub.when_live(self._open)

    def _refuse(self, refusal: Refused) -> None:
        if self.state is State.JOINING:
            self.reply(self._ref, messages.error(refusal.reason))
            self.session.forget(self)
            self.end()
            metrics.JOINS.labels("refused").inc()

    def _open(self) -> None:
        hub = self.session.hub
        self.reply(self._ref, messages.ok({"postgres_changes": self.request.changes.echo}))
        metrics.JOINS.labels("ok").inc()
        self._position = hub.head
        if self._grant is None:
            self.state = State.SOFT
            self._set_deadline(hub.now() + SOFT_JOIN_SECONDS)
        else:
            self._enter(self._grant)

    def _enter(self, grant: Grant) -> None:
        """Begin to deliver: presence, what was missed, then what comes."""
        hub, team_id = self.session.hub, grant.member.team_id
        self.state = State.OPEN
        self._grant = grant
        self._set_deadline(grant.member.expires_at + EXPIRY_GRACE_SECONDS)
        team, room = hub.team(team_id), hub.room(RoomName(team_id, self.topic, self.request.private))
        audience = team.audience(grant.user_id, self._audience_key) if self.request.changes.bindings else None
        self._entered = Entered(team, room, audience)
        room.members.add(self)
        if audience is not None:
            self._catch_up(team, audience, grant.user_id)
        self._announce()
        held, self._held = self._held, []
        for message in held:
            self.receive(message)

    @property
    def _audience_key(self) -> AudienceKey:
        return self.topic, self.session.version, self.request.changes.bindings

    def _announce(self) -> None:
        requested = self.request.changes
        if requested.errors:
            self._system("error", "; ".join(requested.errors))
        elif requested.bindings:
            self._system("ok", messages.SUBSCRIBED)
        if self.request.replication_ready:
            self._system("ok", "Replication connection established", extension="system")

    def _catch_up(self, team: Team, audience: Audience, owner: str | None) -> None:
        """Write what was missed, then listen to what comes: nothing is left out between the two, or doubled."""
        while missed := list(islice(team.since(self._position), CATCH_UP_CHANGES)):
            wanted = (change for change in missed if owner is None or change.user_id == owner)
            frames = [frame for change in wanted for frame in audience.frames(change)]
            self.session.write(b"".join(frames))
            self._position = missed[-1].sequence
        audience.add(self, self.session.write)

    # Messages

    def receive(self, message: Message) -> None:
        """Take a message of the client for this channel."""
        if message.event == "access_token":
            self._renew(join.token_of(message.payload))
        elif self._entered is None or self._grant is None:
            if len(self._held) < MAX_HELD:
                self._held.append(message)
        elif message.event == "broadcast":
            self._broadcast(message, self._entered.room, self._grant)
        elif message.event == "presence":
            self.reply(message.ref, messages.ok())
        else:
            log.info("event_unknown", topic=self.topic, name=message.event)

    def _renew(self, token: str | None) -> None:
        """Take a newer token in place; what is no token, or the same, changes nothing."""
        if token is None or token == self._token or authorization.session_token(token) is None:
            return
        self._token = token
        self.session.gate.check(token, self._renewed, self._not_renewed)

    def _renewed(self, member: Member) -> None:
        if self.state in (State.JOINING, State.ENDED):
            return
        try:
            grant = authorization.decide(member, self.name)
        except Refused as refusal:
            self.fail(refusal.reason)
            return
        if self._grant is None:
            self._enter(grant)
        elif (member.id, member.team_id) != (self._grant.member.id, self._grant.member.team_id):
            self.fail("Unauthorized: The token is of another member or team: join again")
        else:
            self._grant = grant
            self._set_deadline(member.expires_at + EXPIRY_GRACE_SECONDS)

    def _not_renewed(self, refusal: Refused) -> None:
        # The token before it may still be good, and a better one may follow: the deadline decides.
        self._token = None
        log.info("token_refused", topic=self.topic, reason=refusal.reason)

    def _broadcast(self, message: Message, room: Room, grant: Grant) -> None:
        broadcast = _read_broadcast(message.payload)
        if broadcast is None:
            reply = messages.error("InvalidBroadcast: a broadcast has an event name and a payload")
        elif not grant.may_write:
            reply = messages.error(f"Unauthorized: You do not have permissions to write to this channel: {self.name}")
        else:
            self.session.hub.broadcast(room, broadcast, self)
            reply = messages.ok()
        if self.request.ack:
            self.reply(message.ref, reply)

    # The end

    def check_deadline(self) -> None:
        """End what has run out: the wait for the feed, for a token, or the token with its grace."""
        if self.session.hub.now() < self.deadline:
            return
        match self.state:
            case State.JOINING:
                self._refuse(Refused("InitializingProjectConnection: Changes do not flow yet, try again"))
            case State.SOFT:
                self.fail("Unauthorized: No access token came")
            case State.OPEN:
                self.fail("InvalidJWTToken: Token has expired")

    def fail(self, reason: str) -> None:
        """End it so that every client joins again. `phx_close` would be final for all of them."""
        self.session.forget(self)
        self.end()
        self._push("phx_error", orjson.dumps({"reason": reason}), ref=self._join_ref)

    def leave(self, ref: str | None) -> None:
        """End it because the client asks for it."""
        self.end()
        self.reply(ref, messages.ok())
        self._push("phx_close", messages.EMPTY, ref=self._join_ref)

    def end(self) -> None:
        """Deliver nothing any more, and say nothing."""
        hub = self.session.hub
        self.state = State.ENDED
        hub.give_up(self._open)
        if self._entered is None or self._grant is None:
            return
        hub.leave_room(self._entered.room, self)
        if self._entered.audience is not None:
            self._entered.audience.remove(self)
            self._entered.team.release(self._grant.user_id, self._audience_key)

    # Writing

    def reply(self, ref: str | None, payload: bytes) -> None:
        """Answer the client's message `ref`."""
        self._push("phx_reply", payload, ref=ref)

    def _system(self, status: str, message: str, **details: Any) -> None:
        self._push("system", messages.system(self.name, status, message, **details))

    def _push(self, event: str, payload: bytes, *, ref: str | None = None) -> None:
        self.session.push(self.topic, event, payload, ref=ref, join_ref=self._join_ref)

    def _set_deadline(self, deadline: float) -> None:
        self.deadline = deadline
        self.session.remind(deadline)


def _read_broadcast(payload: Any) -> Broadcast | None:
    """The broadcast in a message's payload: a binary frame's, or `{event, payload}`."""
    if isinstance(payload, Broadcast):
        return payload
    if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
        return None
    return Broadcast(payload["event"], orjson.dumps(payload.get("payload", {})))
