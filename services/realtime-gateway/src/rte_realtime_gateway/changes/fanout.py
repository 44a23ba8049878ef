"""Fan-out: each committed change, taken once and in order, to every socket that wants it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.readiness import proceed_each
from rte_realtime_gateway.changes.acknowledgements import Acknowledgements
from rte_realtime_gateway.changes.audience import Audience, Audiences
from rte_realtime_gateway.changes.history import History
from rte_realtime_gateway.ports import Later
from rte_realtime_gateway.protocol.changes import Change

MAX_WAIT_SECONDS = 3.0
"""Seconds that a client waits for this process to read as far as a peer has. After that its offset is doubted."""


@dataclass(frozen=True)
class Team:
    """Recent changes of one team, and who listens to them. Teams share nothing."""

    history: History
    audiences: Audiences = field(default_factory=Audiences)

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost by dropping the team."""
        return self.history.is_empty and self.audiences.is_empty


class Fanout:
    """The teams of this process, and the changes on their way to sockets."""

    def __init__(
        self,
        later: Later,
        acknowledgements: Acknowledgements,
        *,
        flush_seconds: float,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.latest = 0
        """Sequence of the latest change that was read."""
        self._later = later
        self._acknowledgements = acknowledgements
        self._flush_seconds = flush_seconds
        self._now = now
        self._clock = clock
        self._kept_after = 0
        self._teams: dict[str, Team] = {}
        self._flushed_at = float("-inf")
        self._dirty: dict[Audience, None] = {}
        """Audiences with frames that wait for the next flush."""
        self._unflushed: list[Change] = []
        self._before_unflushed = 0
        """Sequence before the first change that waits for the next flush."""
        self._waiting: dict[Callable[[], None], int] = {}
        """Calls that wait for a sequence to be read."""

    def team(self, team_id: str) -> Team:
        """The team's history and audiences."""
        if team_id not in self._teams:
            self._teams[team_id] = Team(History(self._kept_after))
        return self._teams[team_id]

    def reset(self, sequence: int) -> None:
        """Begin with the changes after `sequence` of another stream: offsets in the one before mean nothing."""
        if self._dirty:
            self.flush()
        self.latest = self._kept_after = sequence
        for team in self._teams.values():
            team.history.reset(sequence)
        self._waiting.clear()

    def skip(self, sequence: int) -> None:
        """Pass over an event that is no change for clients."""
        if not self._dirty:
            self._before_unflushed = sequence
        self.latest = sequence
        self.release_waiting()

    def publish(self, change: Change) -> None:
        """Keep the next change of the stream, and queue it for everybody who wants it."""
        team = self.team(change.team_id)
        team.history.append(change)
        dirty = team.audiences.publish(change)
        if dirty:
            self._flush_soon(change, dirty)
        self.latest = change.sequence

    def _flush_soon(self, change: Change, dirty: list[Audience]) -> None:
        if not self._dirty:
            self._before_unflushed = self.latest
            # Alone, a change is written within this turn of the loop; in a crowd, many share one write.
            wait = self._flushed_at + self._flush_seconds - self._clock()
            self._later(min(max(wait, 0), self._flush_seconds), self.flush)
        self._dirty.update(dict.fromkeys(dirty))
        self._unflushed.append(change)

    def flush(self) -> None:
        """Write all queued changes to the sockets."""
        self._flushed_at = self._clock()
        dirty, changes = self._dirty, self._unflushed
        self._dirty, self._unflushed = {}, []
        for audience in dirty:
            audience.flush()
            self._acknowledgements.add(audience.resumable)
        written_at = self._now()
        for change in changes:
            metrics.DELIVERY_SECONDS.observe(max(written_at - change.committed_at.timestamp(), 0))
        self._acknowledgements.ping()

    @property
    def flushed(self) -> int:
        """Sequence up to which every change was written to whoever listens."""
        return self._before_unflushed if self._dirty else self.latest

    def when_reached(self, offset: int, proceed: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Call `proceed` once the stream was read up to `offset`, as a peer has; `give_up` if that takes long."""

        def doubt() -> None:
            if self._waiting.pop(proceed, None) is not None:
                give_up()

        self._waiting[proceed] = offset
        self._later(MAX_WAIT_SECONDS, doubt)

    def release_waiting(self) -> None:
        """Make the calls that have waited for the latest change."""
        reached = [proceed for proceed, offset in self._waiting.items() if offset <= self.latest]
        for proceed in reached:
            del self._waiting[proceed]
        proceed_each(reached)

    def prune(self, before: float) -> None:
        """Drop the changes published before this Unix time, and the teams that are idle."""
        for team_id, team in list(self._teams.items()):
            team.history.prune(before)
            if team.is_idle:
                # An offset before this one is older than what is kept for anybody.
                self._kept_after = max(self._kept_after, team.history.kept_after)
                del self._teams[team_id]
