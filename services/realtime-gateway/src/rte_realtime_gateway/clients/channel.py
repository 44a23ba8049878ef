"""A channel: one topic that one client joined, from the join to its end."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import orjson
import structlog

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Grant, Refused
from rte_realtime_gateway.changes.audience import Audience
from rte_realtime_gateway.changes.history import AudienceKey, Team
from rte_realtime_gateway.clients.client_messages import Pushes
from rte_realtime_gateway.protocol import join, messages
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.frames import Message
from rte_realtime_gateway.protocol.join import JoinRequest
from rte_realtime_gateway.rooms.rooms import Room, RoomName

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.session import Session

log = structlog.get_logger(__name__)

SOFT_JOIN_SECONDS = 1.0
"""How long a channel may stay joined without a token. supabase-js sends it right after the join's reply; not at all if
its callback answers while the join is on its way, but then it is in the next join (realtime-js, `_performAuth`)."""
SOFT_REJOIN_SECONDS = 30.0
"""The same for a client that has come without a token before: it shall not join again every other second."""
CATCH_UP_CHANGES, CATCH_UP_BYTES = 100, 1 << 16
"""Written at a time to a client that catches up: the others have their turns in between."""
MAX_HELD = 100
"""Messages kept for a channel that is not ready; realtime-js buffers as many."""
MAX_HELD_BYTES = 1 << 16
"""Their size, for all channels of a socket: nobody knows yet whose it is."""
MAX_LOGGED = 200
"""Characters in a log line of what the client sent."""


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
    """Where an open channel listens, and what its client may do there."""

    team: Team
    room: Room
    pushes: Pushes
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
        self.deadline = session.hub.clock() + request.patience
        self.subscription = f"{topic}#{request.changes.digest}"
        """Under which its place is kept: who asks for other changes has not had them yet."""
        self.sees_presence = request.presence
        self._join_ref = join_ref
        self._ref = ref
        self._grant: Grant | None = None
        self._token: str | None = None
        self._entered: Entered | None = None
        self._place = 0
        self._had_all = False
        """Whether the client knows where it stands: it has everything up to its place, or was told to load again."""
        self._listening = False
        self._held: list[Message] = []
        self.held_bytes = 0
        self._logged: set[str] = set()

    @property
    def place(self) -> int:
        """Sequence up to which everything meant for the client was written to its socket."""
        # What it caught up with may be more than has been flushed to the others.
        return max(self.session.hub.written, self._place) if self._listening else self._place

    @property
    def had_all_by(self) -> Member | None:
        """Who has had everything up to the place; None if nobody has, or nobody asked for changes."""
        return self._grant.member if self._grant is not None and self._had_all else None

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
        if self.state is not State.JOINING:
            return
        try:
            self._grant = self._grant or self._decide(member)
        except Refused as refusal:
            self._refuse(refusal)
        else:
            self.session.hub.when_live(self._open)

    def _decide(self, member: Member) -> Grant:
        hub = self.session.hub
        if not hub.standing.is_good(member):
            raise Refused("Unauthorized: You are no longer in this team, or signed out")
        if self._grant is not None and not self.is_of(member.team_id, member.id):
            raise Refused("Unauthorized: The token is of another member or team: join again")
        # A renewal is no join: refusing it would end a channel that does nothing wrong.
        if self._grant is None and not hub.limits.may_join(member):
            raise Refused("ClientJoinRateLimitReached: Too many joins per second")
        grant = authorization.decide(member, self.name)
        if self._grant is None and not hub.limits.open_channel(member):
            raise Refused("ChannelRateLimitReached: Too many channels of this member or team")
        return grant

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
        if self.state is not State.JOINING:
            return  # it ended while others opened
        hub = self.session.hub
        self.reply(self._ref, messages.ok({"postgres_changes": self.request.changes.echo}))
        metrics.JOINS.labels("ok").inc()
        self._place = hub.head
        if self._grant is None:
            self.state = State.SOFT
            again = self.session.joins_without_token(self.topic)
            self._set_deadline(hub.clock() + (SOFT_REJOIN_SECONDS if again else SOFT_JOIN_SECONDS))
        else:
            self._enter(self._grant)

    def _enter(self, grant: Grant) -> None:
        """Begin to deliver: presence, what was missed, then what comes."""
        hub, team_id = self.session.hub, grant.member.team_id
        self.state = State.OPEN
        self._grant = grant
        self._set_deadline(hub.end_of(grant.member))
        team = hub.team(team_id)
        room = hub.rooms.enter(RoomName(team_id, self.topic, self.request.private), self)
        audience = team.audience(grant.user_id, self._audience_key) if self.request.changes.bindings else None
        self._entered = Entered(team, room, Pushes(self, room), audience)
        if self.sees_presence:
            self._entered.pushes.send_presence_state()
        self._entered.pushes.send_replay()
        held, self._held, self.held_bytes = self._held, [], 0
        for message in held:
            self.receive(message)
        if audience is None:
            self._announce(None)
        else:
            self._resume(team, grant.member)

    @property
    def _audience_key(self) -> AudienceKey:
        return self.topic, self.session.version, self.request.changes.bindings

    def _resume(self, team: Team, member: Member) -> None:
        """Find the place to go on from: where the client was, if that is known and everything since then too."""
        known, had_all = self.session.known_place(self.subscription, member)
        kept = known is not None and known >= team.floor
        if known is not None and kept:
            self._place = known
        resumed = self._had_all = kept and had_all
        metrics.REPLAYS.labels("resumed" if resumed else "new" if known is None or kept else "too_old").inc()
        self._catch_up(resumed)

    def _catch_up(self, resumed: bool) -> None:
        """Write what was missed, then listen to what comes: nothing is left out between the two, or doubled."""
        entered, grant, hub = self._entered, self._grant, self.session.hub
        if entered is None or entered.audience is None or grant is None or self.state is not State.OPEN:
            return  # it ended while a slow client read what it had missed
        if self._listening:
            return  # it began anew meanwhile
        if self._place > hub.head:
            hub.when_reached(self._place, lambda: self._catch_up(resumed), self.begin_anew)
            return
        if self._place < entered.team.floor:
            resumed = self._had_all = False  # it took so long to read that what comes next is no longer kept
            self._place = hub.head
        missed = entered.team.since(self._place, CATCH_UP_CHANGES)
        if missed and self.session.lagging:
            self.session.when_writable(self, lambda: self._catch_up(resumed))
            return
        written = self._write_missed(missed, entered.audience, grant)
        if written < len(missed) or written == CATCH_UP_CHANGES:
            # Its answer proves that it had this much: if it is cut off now, it goes on from there.
            hub.ask(self.session)
            hub.later(0, lambda: self._catch_up(resumed))
            return
        entered.audience.add(self)
        self._listening = self._had_all = True
        self._announce(resumed)
        hub.ask(self.session)

    def _write_missed(self, missed: list[Change], audience: Audience, grant: Grant) -> int:
        """Write the first of these changes, as many as are not too much at once; returns how many those are."""
        frames, written = audience.frames_of_some(missed, grant.user_id, CATCH_UP_BYTES)
        if written:
            self._place = missed[written - 1].sequence
        if frames:
            metrics.DELIVERIES.labels("missed_change").inc(len(frames))
            self.session.write(b"".join(frames))
        return written

    def begin_anew(self) -> None:
        """The client's place means nothing in this stream: have it load again, and go on from here."""
        self._place, self._had_all = self.session.hub.head, self._listening
        if self._listening:
            self._system("ok", messages.LOAD_AGAIN, extension="system")
        else:
            self._catch_up(False)

    def _announce(self, resumed: bool | None) -> None:
        """Say what the client got; `resumed` is None when it asked for no changes."""
        if self.request.changes.errors:
            self._system("error", "; ".join(self.request.changes.errors))
        elif resumed is not None:
            self._system("ok", messages.SUBSCRIBED)
        if resumed is not None:
            self._system("ok", messages.RESUMED if resumed else messages.LOAD_AGAIN, extension="system")
        if self.request.replication_ready:
            self._system("ok", messages.REPLICATION_READY, extension="system")

    def announce_disconnect(self) -> None:
        """Say that the socket is about to be closed."""
        if self.state is not State.JOINING:
            self._system("ok", messages.DISCONNECT, extension="system")

    # Messages

    def receive(self, message: Message) -> None:
        """Take a message of the client for this channel."""
        if message.event == "access_token":
            self._renew(join.token_of(message.payload))
        elif self._entered is None or self._grant is None:
            if len(self._held) < MAX_HELD and self.session.held_bytes + message.size <= MAX_HELD_BYTES:
                self._held.append(message)
                self.held_bytes += message.size
            else:
                self.reply(message.ref, messages.error("TooManyMessages: The channel is not ready yet"))
        else:
            self._entered.pushes.receive(message, self._grant)

    def _renew(self, token: str | None) -> None:
        """Take a newer token in place; what is no token, or the same, changes nothing."""
        if token is None or token == self._token or authorization.session_token(token) is None:
            return
        self._token = token
        self.session.gate.check(token, self._renewed, self._not_renewed)

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
        if self.state is State.SOFT:
            self._enter(grant)
            return
        self._grant = grant
        if self.state is State.OPEN:
            self._set_deadline(self.session.hub.end_of(member))

    def _not_renewed(self, refusal: Refused) -> None:
        # The token before it may still be good, and a better one may follow: the deadline decides.
        self._token = None
        metrics.DROPS.labels("bad_token").inc()
        self.log_once("token_refused", refusal.reason)

    def log_once(self, event: str, said: str) -> None:
        """Log the first of a kind on this channel: a client may repeat it as fast as it likes."""
        if event not in self._logged:
            self._logged.add(event)
            log.info(event, topic=self.topic, said=said[:MAX_LOGGED])

    # The end

    def check_deadline(self) -> None:
        """End what has run out: the wait for the feed, for a token, or the token with its grace."""
        if self.session.hub.clock() < self.deadline:
            return
        match self.state:
            case State.JOINING:
                self._refuse(Refused("InitializingProjectConnection: Changes do not flow yet, try again"))
            case State.SOFT:
                self.fail("Unauthorized: No access token came")
            case State.OPEN:
                self.fail("InvalidJWTToken: Token has expired")

    def is_of(self, team_id: str, user_id: str) -> bool:
        """Whether it listens for this member of this team."""
        return self._grant is not None and (self._grant.member.team_id, self._grant.member.id) == (team_id, user_id)

    def is_of_session(self, session_id: str) -> bool:
        """Whether it listens for a member who signed in with this session."""
        return self._grant is not None and self._grant.member.session_id == session_id

    def fail(self, reason: str) -> None:
        """End it so that every client joins again. `phx_close` would be final for all of them."""
        self.session.forget(self)
        self.end()
        for message in self._held:
            self.reply(message.ref, messages.error(reason))
        self._push("phx_error", orjson.dumps({"reason": reason}), ref=self._join_ref)

    def close(self, reason: str) -> None:
        """End it for good: the client has no business here any more."""
        self.session.forget(self)
        self.end(for_good=True)
        self._system("ok", reason, extension="system")
        self._push("phx_close", messages.EMPTY, ref=self._join_ref)

    def leave(self, ref: str | None) -> None:
        """End it because the client asks for it."""
        self.session.forget(self)
        self.end(for_good=True)
        self.session.forget_places(self.topic, (self.subscription, self._grant.member) if self._grant else None)
        self.reply(ref, messages.ok())
        self._push("phx_close", messages.EMPTY, ref=self._join_ref)

    def end(self, *, for_good: bool = False) -> None:
        """Deliver nothing any more, and say nothing. Who may come back stays present for a while."""
        state, self.state = self.state, State.ENDED
        self.session.hub.give_up(self._open)
        if self._grant is not None and state is not State.ENDED:
            self.session.hub.limits.close_channel(self._grant.member)
        if self._entered is not None and self._grant is not None:
            self._depart(self._entered, self._grant, for_good=for_good)
        if not for_good and state in (State.SOFT, State.OPEN):
            self.session.remember_place(self.subscription, self._place, self.had_all_by)

    def _depart(self, entered: Entered, grant: Grant, *, for_good: bool) -> None:
        entered.pushes.end(for_good=for_good)
        self.session.hub.rooms.leave(entered.room, self)
        if entered.audience is not None:
            entered.audience.remove(self)
            entered.team.release(grant.user_id, self._audience_key)
            if self._listening:
                self._place = self.session.hub.head  # the audience has just written what waited
                self._listening = False

    # Writing

    def rewire(self) -> None:
        """The session's way of writing has changed."""
        if self._listening and self._entered is not None and self._entered.audience is not None:
            self._entered.audience.rewire(self)

    def reply(self, ref: str | None, payload: bytes) -> None:
        """Answer the client's message `ref`."""
        self._push("phx_reply", payload, ref=ref)

    def send(self, event: str, payload: bytes) -> None:
        """Tell the client something that answers nothing."""
        self._push(event, payload)

    def _system(self, status: str, message: str, *, extension: str = "postgres_changes") -> None:
        self._push("system", messages.system(self.name, status, message, extension))

    def _push(self, event: str, payload: bytes, *, ref: str | None = None) -> None:
        self.session.push(self.topic, event, payload, ref=ref, join_ref=self._join_ref)

    def _set_deadline(self, deadline: float) -> None:
        self.deadline = deadline
        self.session.remind(deadline)
