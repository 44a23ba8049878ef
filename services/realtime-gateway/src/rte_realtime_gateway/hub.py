"""The hub: everything that the clients of this process share. It takes each change once and does no I/O."""

import time
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.limits import Allowance, Limits
from rte_realtime_gateway.access.revocations import Standing
from rte_realtime_gateway.changes.audience import Audience
from rte_realtime_gateway.changes.history import Team
from rte_realtime_gateway.changes.positions import Positions
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.close_codes import Closing
from rte_realtime_gateway.rooms.replay import PersistedBroadcasts
from rte_realtime_gateway.rooms.rooms import Later, Rooms

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.session import Session

log = structlog.get_logger(__name__)

HEARTBEATS_SECONDS = 60.0
"""How much older than its disconnection a client's last sign may be."""
PINGS = 1_000.0, 500.0
"""Pings for positions, a second and at once: few clients are asked after each write, thousands in turn."""
PING_SECONDS = 0.05
AHEAD_SECONDS = 3.0
"""How long a client waits for this replica to read as far as another one has. After that its place is doubted."""
SOURCES = frozenset({"feed", "positions", "presence", "replicas", "store"})
"""What must have been read before a client may join."""


class Hub:
    """All teams, rooms and sessions. `publish` takes each change of the stream once, in order."""

    def __init__(
        self,
        later: Later,
        *,
        flush_seconds: float = 0.09,
        expiry_grace: float = 35.0,
        resume_seconds: float = 300.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        """Unix time, for what other machines have dated: it may jump."""
        self.clock = clock
        """Seconds that only ever pass, for everything that is measured here."""
        self.later = later
        self.sessions: set[Session] = set()
        self.rooms = Rooms(later)
        self.persisted = PersistedBroadcasts(self.rooms, now)
        self.kept_seconds = resume_seconds + HEARTBEATS_SECONDS
        """How long changes and positions are kept, so that clients may come back within `resume_seconds`."""
        self.positions = Positions(clock, self.kept_seconds)
        self.limits = Limits(clock)
        self.standing = Standing(clock)
        self.draining = False
        self.expiry_grace = expiry_grace
        """Seconds for which a channel outlives its token: clients renew on a heartbeat, every 25 s."""
        self.head = 0
        """Sequence of the latest change of the stream."""
        self._floor = 0
        self._teams: dict[str, Team] = {}
        self._flush_seconds = flush_seconds
        self._flushed_at = float("-inf")
        self._dirty: dict[Audience, None] = {}
        self._unflushed: list[Change] = []
        self._before_unflushed = 0
        self._awaited = set(SOURCES)
        self._waiting: dict[Callable[[], None], None] = {}
        self._ahead: dict[Callable[[], None], int] = {}
        self._unacknowledged: dict[Session, None] = {}
        self._pings = Allowance(*PINGS)
        self._asking = False

    # Changes

    def team(self, team_id: str) -> Team:
        """The team's listeners and recent changes."""
        if team_id not in self._teams:
            self._teams[team_id] = Team(self._floor)
        return self._teams[team_id]

    def start_after(self, sequence: int, stream: str) -> None:
        """Begin with the changes after `sequence` of this stream; places in another one mean nothing."""
        if self._dirty:
            self.flush()
        self.head = self._floor = sequence
        for team in self._teams.values():
            team.start_after(sequence)
        self._ahead.clear()
        self.positions.start(stream)
        self._each(list(self.sessions), lambda session: session.begin_anew())

    def skip(self, sequence: int) -> None:
        """The event at this place is no change for clients."""
        if not self._dirty:
            self._before_unflushed = sequence
        self.head = sequence
        self._note_reached()

    def publish(self, change: Change) -> None:
        """Take the next change of the stream."""
        dirty = self.team(change.team_id).publish(change)
        if dirty:
            self._flush_soon(change, dirty)
        self.head = change.sequence
        if self.standing.note(change):
            self._expel(lambda session: session.expel(change.team_id, change.user_id))
        self._note_reached()

    def _flush_soon(self, change: Change, dirty: list[Audience]) -> None:
        if not self._dirty:
            self._before_unflushed = self.head
            # Alone, a change is written within this turn of the loop; in a crowd, many share one write.
            wait = self._flushed_at + self._flush_seconds - self.clock()
            self.later(min(max(wait, 0), self._flush_seconds), self.flush)
        self._dirty.update(dict.fromkeys(dirty))
        self._unflushed.append(change)

    def flush(self) -> None:
        """Write everything that waits to the sockets."""
        self._flushed_at = self.clock()
        dirty, changes = self._dirty, self._unflushed
        self._dirty, self._unflushed = {}, []
        for audience in dirty:
            audience.flush()
            self._unacknowledged.update(audience.tracked)
        written_at = self.now()
        for change in changes:
            metrics.DELIVERY_SECONDS.observe(max(written_at - change.committed_at.timestamp(), 0))
        self._ask_positions()

    @property
    def written(self) -> int:
        """Sequence up to which every change was written to whoever listens."""
        return self._before_unflushed if self._dirty else self.head

    def when_reached(self, sequence: int, proceed: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Call `proceed` once the stream was read up to there, as another replica has; `give_up` if that takes long."""

        def doubt() -> None:
            if self._ahead.pop(proceed, None) is not None:
                give_up()

        self._ahead[proceed] = sequence
        self.later(AHEAD_SECONDS, doubt)

    def _note_reached(self) -> None:
        reached = [proceed for proceed, place in self._ahead.items() if place <= self.head]
        for proceed in reached:
            del self._ahead[proceed]
        _proceed(reached)

    # Positions of returning clients

    def ask(self, session: "Session") -> None:
        """Find out soon what the client received, if its positions are kept."""
        if session.client_id is None:
            return
        self._unacknowledged[session] = None
        self._ask_positions()

    def _ask_positions(self) -> None:
        """Ping as many clients as the allowance has, and the others later."""
        while self._unacknowledged and self._pings.take(self.clock()):
            session = next(iter(self._unacknowledged))
            del self._unacknowledged[session]
            session.ping()
        if self._unacknowledged and not self._asking:
            self._asking = True
            self.later(PING_SECONDS, self._ask_again)

    def _ask_again(self) -> None:
        self._asking = False
        self._ask_positions()

    # Whether clients may join

    @property
    def live(self) -> bool:
        """Whether everything was read and changes arrive as they are committed."""
        return not self._awaited

    async def check(self) -> str | None:
        """For /ready: None, or what does not arrive."""
        return None if self.live else f"waiting for {', '.join(sorted(self._awaited))}"

    def source_live(self, source: str, live: bool) -> None:
        """A source has been read up to its end, or does not arrive any more."""
        was_live = self.live
        if live:
            self._awaited.discard(source)
        else:
            self._awaited.add(source)
        if self.live is was_live:
            return
        metrics.FEED_LIVE.set(self.live)
        log.info("changes_flow" if self.live else "changes_do_not_flow", sequence=self.head)
        if self.live:
            waiting, self._waiting = self._waiting, {}
            _proceed(list(waiting))

    def when_live(self, proceed: Callable[[], None]) -> None:
        """Call `proceed` now, or once changes arrive; `give_up` takes it back."""
        if self.live:
            proceed()
        else:
            self._waiting[proceed] = None

    def give_up(self, proceed: Callable[[], None]) -> None:
        """No longer call `proceed`, whatever it waits for."""
        self._waiting.pop(proceed, None)
        self._ahead.pop(proceed, None)

    # Upkeep

    def revoke(self, session_id: str) -> None:
        """A member's sign-in session was ended."""
        self.standing.revoke(session_id)
        self._expel(lambda session: session.expel_session(session_id))

    def _expel(self, expel: Callable[["Session"], None]) -> None:
        self._each(list(self.sessions), expel)

    def _each(self, sessions: list["Session"], act: Callable[["Session"], None]) -> None:
        """An error with one session is the end of that session only."""
        for session in sessions:
            try:
                act(session)
            except Exception:
                log.exception("session_broke", session=session.client_id)
                self._cut(session)

    def _cut(self, session: "Session") -> None:
        for _ in range(2):  # what fails while its channels end does not come again
            try:
                session.close(*Closing.BROKEN)
            except Exception:
                log.exception("session_not_closed", session=session.client_id)
            else:
                return

    def drop(self, session: "Session") -> None:
        """The socket is gone."""
        self.sessions.discard(session)
        self._unacknowledged.pop(session, None)

    def tidy(self) -> None:
        """End what has run out. Call once a second."""
        now = self.clock()
        due = [session for session in self.sessions if session.deadline <= now]
        self._each(due, lambda session: session.check_deadlines())
        metrics.QUEUE_BYTES.set(sum(session.queued for session in self.sessions if session.lagging))

    def end_of(self, member: Member) -> float:
        """When a channel with the member's token ends, by our clock: a wall clock that jumps later ends nobody's."""
        return self.clock() + member.expires_at - self.now() + self.expiry_grace

    def forget(self) -> None:
        """Drop what is older than clients may come back for. Call now and then."""
        for team_id, team in list(self._teams.items()):
            team.forget(self.now() - self.kept_seconds)
            if team.is_idle:
                # A position before this floor is older than what is kept for anybody.
                self._floor = max(self._floor, team.floor)
                del self._teams[team_id]
        for keeper in (self.positions, self.limits, self.standing, self.persisted):
            keeper.tidy()

    def close_some(self, count: int) -> None:
        """Tell any `count` of the clients to connect again."""
        self._each(list(islice(self.sessions, count)), lambda session: session.send_away())


def _proceed(calls: list[Callable[[], None]]) -> None:
    """Let channels go on; one that cannot runs out of time, and its client joins again."""
    for proceed in calls:
        try:
            proceed()
        except Exception:
            log.exception("channel_broke")
