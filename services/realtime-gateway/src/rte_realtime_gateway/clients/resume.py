"""Resume: a client that comes back gets every change that it missed, in order, or is told to load again.

The way of a returning client: `ResumePoints.find` knows up to where it had everything, from this socket or from
changes/positions.py, which the peers share; a `ChangeSubscription` writes what the team's history (changes/history.py)
has since then, and only then lets it listen to what comes. What a client received is known from its answers to pings.
"""

from collections.abc import Iterable

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import Grant
from rte_realtime_gateway.changes.audience import Audience, AudienceKey
from rte_realtime_gateway.changes.fanout import Fanout, Team
from rte_realtime_gateway.changes.positions import Positions, client_key, keep_latest
from rte_realtime_gateway.clients.writer import ChannelWriter
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.ports import Listener
from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.frames import ping_frame
from rte_realtime_gateway.protocol.join import JoinRequest

CATCH_UP_CHANGES, CATCH_UP_BYTES = 100, 1 << 16
"""Written at a time to a client that catches up: the others have their turns in between."""

PositionKey = tuple[str, str]
"""Client key and subscription: an offset counts only for the member, in the team, by whom it was earned."""


class ResumePoints:
    """Offsets from which one client goes on in each of its subscriptions."""

    def __init__(self, positions: Positions, fanout: Fanout, client_id: str | None) -> None:
        self._positions = positions
        self._fanout = fanout
        self._client_id = client_id
        self._stream = positions.stream
        """Stream in which the offsets are."""
        self._offsets: dict[PositionKey, int] = {}
        """Offsets of channels that ended on this socket, up to which everything was written to it."""
        self._promised: dict[str, int] = {}
        """Offsets at which channels would have begun that ended without ever having a token."""
        self._left: dict[str, None] = {}
        """Topics that the client left on purpose and has not joined again."""
        self._pinged: dict[PositionKey, int] | None = None
        """Offsets that the answer to the outstanding ping will prove; None: there is no such ping."""
        self._pings = 0
        self._ping_again = False
        """Whether another ping is wanted after the outstanding one."""

    def find(self, subscription: str, member: Member) -> tuple[int | None, bool]:
        """The offset to go on from, None if it is not known, and whether the client has had everything before it."""
        promised = self._promised.pop(subscription, None)
        key = self._key(member, subscription)
        here = self._offsets.pop(key, None)
        topic = _topic_of(subscription)
        if topic in self._left:
            del self._left[topic]
            self._positions.leave(*key, self._fanout.latest)
            return None, False
        if here is None and self._client_id is not None:
            here = self._positions.offset(*key)
        return (promised, False) if here is None else (here, True)

    def remember(self, subscription: "ChangeSubscription") -> None:
        """Keep where a channel ended: its member had everything; without one, it was promised what comes after."""
        if (member := subscription.complete_for) is None:
            keep_latest(self._promised, subscription.key, subscription.offset)
        else:
            keep_latest(self._offsets, self._key(member, subscription.key), subscription.offset)

    def leave(self, topic: str, subscription: str | None = None, member: Member | None = None) -> None:
        """Have a later join begin anew, because the client left on purpose, even if nobody knows whose channel it was.

        Subscription and member are those of the channel that it still had.
        """
        keep_latest(self._left, topic, None)
        pinged = self._pinged or {}
        known = {key for key in (*self._offsets, *pinged) if _topic_of(key[1]) == topic}
        if subscription is not None and member is not None:
            known.add(self._key(member, subscription))
        for key in known:
            self._offsets.pop(key, None)
            pinged.pop(key, None)
            self._positions.leave(*key, self._fanout.latest)

    def ping(self, subscriptions: Iterable["ChangeSubscription"]) -> bytes | None:
        """The frame of a ping, whose answer proves that everything written until now has arrived.

        None if there is nothing to prove. While another ping is on its way, this one comes after it.
        """
        if self._client_id is None or self._pinged is not None:
            self._ping_again = True
            return None
        offsets = {
            self._key(member, subscription.key): subscription.offset
            for subscription in subscriptions
            if (member := subscription.complete_for) is not None
        }
        if not offsets:
            return None
        self._pinged = offsets
        self._pings += 1
        return ping_frame(self._pings.to_bytes(4, "big"))

    def answered(self, payload: bytes) -> bool:
        """Take the client's answer to a ping; returns whether another ping is wanted."""
        if self._pinged is None or payload != self._pings.to_bytes(4, "big"):
            return False
        offsets, self._pinged = self._pinged, None
        self._prove(offsets)
        again, self._ping_again = self._ping_again, False
        return again

    def close_answered(self) -> None:
        """Take the client's answer to our close: everything written before it has arrived."""
        self._prove(self._offsets)

    def _prove(self, offsets: dict[PositionKey, int]) -> None:
        if self._stream != self._positions.stream or self._client_id is None:
            return  # the stream was replaced while it closed, or nobody could return
        for (client, subscription), offset in offsets.items():
            self._positions.advance(client, subscription, offset)

    def doubt(self) -> None:
        """Drop the offsets of channels that ended: not everything was written."""
        self._offsets.clear()

    def reset(self) -> None:
        """Drop all offsets: they mean nothing in another stream of changes."""
        self._stream = self._positions.stream
        self._offsets.clear()
        self._promised.clear()
        self._pinged, self._ping_again = None, False

    def _key(self, member: Member, subscription: str) -> PositionKey:
        return client_key(member, self._client_id or ""), subscription


def _topic_of(subscription: str) -> str:
    return subscription.rpartition("#")[0]


class ChangeSubscription:
    """The row changes of one channel: those that the client missed, then those that come, none left out or doubled."""

    def __init__(
        self, listener: Listener, writer: ChannelWriter, hub: Hub, points: ResumePoints, request: JoinRequest
    ) -> None:
        self.key = f"{writer.topic}#{request.changes.digest}"
        """Topic and what is asked of it: who asks for other changes has not had them yet, and begins anew."""
        self._listener = listener
        self._writer = writer
        self._hub = hub
        self._fanout = hub.fanout
        self._points = points
        self._request = request
        self._offset = 0
        self._complete = False
        """Whether the client has everything up to the offset, or was told to load again there."""
        self._live = False
        """Whether the channel listens to what comes."""
        self._member: Member | None = None
        self._user_id: str | None = None
        self._team: Team | None = None
        self._audience: Audience | None = None
        """Audience that the channel holds; None if it asked for no changes, or has ended."""

    @property
    def offset(self) -> int:
        """Sequence up to which everything meant for the client was written to its socket."""
        # What it caught up with may be more than has been flushed to the others.
        return max(self._fanout.flushed, self._offset) if self._live else self._offset

    @property
    def complete_for(self) -> Member | None:
        """The member who has had everything up to the offset; None if nobody has, or nobody asked for changes."""
        return self._member if self._complete else None

    def promise(self) -> None:
        """Promise everything from now on: the join is about to be answered."""
        self._offset = self._fanout.latest

    def hold(self, grant: Grant) -> None:
        """Hold the audience to which the channel will listen."""
        self._member, self._user_id = grant.member, grant.user_id
        self._team = self._fanout.team(grant.member.team_id)
        if self._request.changes.bindings:
            self._audience = self._team.audiences.hold(self._user_id, self._audience_key)

    @property
    def _audience_key(self) -> AudienceKey:
        return self._writer.topic, self._writer.version, self._request.changes.bindings

    def start(self) -> None:
        """Go on from where the client was, if that is known and every change since then is kept."""
        if self._audience is None or self._team is None or self._member is None:
            self._announce(None)
            return
        known, complete = self._points.find(self.key, self._member)
        kept = known is not None and known >= self._team.history.kept_after
        if known is not None and kept:
            self._offset = known
        resumed = self._complete = kept and complete
        metrics.RESUMES.labels("resumed" if resumed else "new" if known is None or kept else "too_old").inc()
        self._catch_up(resumed)

    def _catch_up(self, resumed: bool) -> None:
        """Write what was missed, then listen to what comes: nothing is left out between the two, or doubled."""
        team, audience, hub = self._team, self._audience, self._hub
        if team is None or audience is None:
            return  # it ended while a slow client read what it had missed
        if self._live:
            return  # it was reset meanwhile
        if self._offset > self._fanout.latest:
            self._fanout.when_reached(self._offset, lambda: self._catch_up(resumed), self.reset)
            return
        if self._offset < team.history.kept_after:
            resumed = self._complete = False  # it took so long to read that what comes next is no longer kept
            self._offset = self._fanout.latest
        missed = team.history.since(self._offset, CATCH_UP_CHANGES)
        if missed and self._writer.lagging:
            self._writer.when_writable(lambda: self._catch_up(resumed))
            return
        written = self._write_missed(missed, audience)
        if written < len(missed) or written == CATCH_UP_CHANGES:
            # Its answer proves that it had this much: if it is cut off now, it goes on from there.
            hub.acknowledgements.request(self._listener.client)
            hub.later(0, lambda: self._catch_up(resumed))
            return
        audience.add(self._listener)
        self._live = self._complete = True
        self._announce(resumed)
        hub.acknowledgements.request(self._listener.client)

    def _write_missed(self, missed: list[Change], audience: Audience) -> int:
        """Write the first of these changes, as many as are not too much at once; returns how many those are."""
        frames, written = audience.frames_of_some(missed, self._user_id, CATCH_UP_BYTES)
        if written:
            self._offset = missed[written - 1].sequence
        if frames:
            metrics.DELIVERIES.labels("missed_change").inc(len(frames))
            self._writer.write(b"".join(frames))
        return written

    def _announce(self, resumed: bool | None) -> None:
        """Say what the client got; `resumed` is None when it asked for no changes."""
        if self._request.changes.errors:
            self._writer.system("error", "; ".join(self._request.changes.errors))
        elif resumed is not None:
            self._writer.system("ok", messages.SUBSCRIBED)
        if resumed is not None:
            self._writer.system("ok", messages.RESUMED if resumed else messages.LOAD_AGAIN, extension="system")
        if self._request.replication_ready:
            self._writer.system("ok", messages.REPLICATION_READY, extension="system")

    def reset(self) -> None:
        """Have the client load again and go on from here: its offset means nothing in this stream."""
        self._offset, self._complete = self._fanout.latest, self._live
        if self._live:
            self._writer.system("ok", messages.LOAD_AGAIN, extension="system")
        else:
            self._catch_up(False)

    def rewire(self) -> None:
        """Be written to in the client's present way."""
        if self._live and self._audience is not None:
            self._audience.rewire(self._listener)

    def stop(self) -> None:
        """Write what waits, and listen no more."""
        if self._audience is None or self._team is None:
            return
        self._audience.remove(self._listener)
        self._team.audiences.release(self._user_id, self._audience_key)
        self._audience = None
        if self._live:
            self._offset = self._fanout.latest  # the audience has just written what waited
            self._live = False
