"""The hub: the teams of this process, their recent changes, and the channels that listen. No I/O."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rte_realtime_gateway import metrics
from rte_realtime_gateway.audience import Audience
from rte_realtime_gateway.changes import Change
from rte_realtime_gateway.protocol.bindings import Binding
from rte_realtime_gateway.protocol.frames import Broadcast, Version
from rte_realtime_gateway.room import Room, RoomName

if TYPE_CHECKING:
    from rte_realtime_gateway.channel import Channel
    from rte_realtime_gateway.session import Session

RESUME_SECONDS = 300
"""How long after its last sign a client may come back and still get what it missed."""
KEPT_SECONDS = RESUME_SECONDS + 60
"""How long changes are kept: a client's last sign may be a heartbeat older than its disconnection."""
MAX_RECENT = 20_000
"""Most changes kept for one team, however fresh."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds, like the event loop's `call_later`."""
AudienceKey = tuple[str, Version, tuple[Binding, ...]]


class Team:
    """One team's listeners and recent changes. Teams share nothing."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        """Sequence of the youngest change that is no longer kept."""
        self._recent: deque[Change] = deque()
        self._audiences: dict[str | None, dict[AudienceKey, Audience]] = {}

    def audience(self, user_id: str | None, key: AudienceKey) -> Audience:
        """Who wants this team's changes: all of them, or those of one user."""
        of_user = self._audiences.setdefault(user_id, {})
        if key not in of_user:
            of_user[key] = Audience(*key)
        return of_user[key]

    def release(self, user_id: str | None, key: AudienceKey) -> None:
        """Forget an audience without members."""
        of_user = self._audiences.get(user_id, {})
        if key in of_user and not of_user[key].members:
            del of_user[key]
            if not of_user:
                del self._audiences[user_id]

    def publish(self, change: Change) -> list[Audience]:
        """Keep the change, and queue it for everybody who wants it; returns the audiences to flush."""
        self._recent.append(change)
        if len(self._recent) > MAX_RECENT:
            self.floor = self._recent.popleft().sequence
        return [
            audience
            for user_id in (None, change.user_id)
            for audience in self._audiences.get(user_id, {}).values()
            if audience.publish(change)
        ]

    def since(self, sequence: int) -> Iterator[Change]:
        """The kept changes after `sequence`, oldest first."""
        missed = 0
        for change in reversed(self._recent):
            if change.sequence <= sequence:
                break
            missed += 1
        return islice(self._recent, len(self._recent) - missed, None)

    def start_after(self, sequence: int) -> None:
        """Forget all changes: the next one comes after `sequence`."""
        self._recent.clear()
        self.floor = sequence

    def forget(self, before: float) -> None:
        """Drop the changes committed before this Unix time."""
        while self._recent and self._recent[0].committed_at.timestamp() < before:
            self.floor = self._recent.popleft().sequence


class Hub:
    """All teams. `publish` takes each change of the stream once, in order."""

    def __init__(self, later: Later, *, flush_seconds: float = 0.06, now: Callable[[], float] = time.time) -> None:
        self.sessions: set[Session] = set()
        self.now = now
        self.head = 0
        """Sequence of the latest change of the stream."""
        self.floor = 0
        """Sequence before which no team's changes are known."""
        self._teams: dict[str, Team] = {}
        self._rooms: dict[RoomName, Room] = {}
        self._later = later
        self._flush_seconds = flush_seconds
        self._flushed_at = float("-inf")
        self._dirty: dict[Audience, None] = {}
        self._unflushed: list[Change] = []
        self._live = False
        self._waiting: dict[Callable[[], None], None] = {}

    def team(self, team_id: str) -> Team:
        """The team's listeners and recent changes."""
        if team_id not in self._teams:
            self._teams[team_id] = Team(self.floor)
        return self._teams[team_id]

    def start_after(self, sequence: int) -> None:
        """Begin with the changes after `sequence`, and forget all others."""
        self.head = self.floor = sequence
        for team in self._teams.values():
            team.start_after(sequence)

    def publish(self, change: Change) -> None:
        """Take the next change of the stream."""
        self.head = change.sequence
        dirty = self.team(change.team_id).publish(change)
        if not dirty:
            return
        if not self._dirty:
            # Alone, a change is written within this turn of the loop; in a crowd, many share one write.
            wait = self._flushed_at + self._flush_seconds - self.now()
            self._later(min(max(wait, 0), self._flush_seconds), self.flush)
        self._dirty.update(dict.fromkeys(dirty))
        self._unflushed.append(change)

    def flush(self) -> None:
        """Write everything that waits to the sockets."""
        self._flushed_at = self.now()
        dirty, changes = self._dirty, self._unflushed
        self._dirty, self._unflushed = {}, []
        for audience in dirty:
            audience.flush()
        written_at = self.now()
        for change in changes:
            metrics.DELIVERY_SECONDS.observe(max(written_at - change.committed_at.timestamp(), 0))

    def room(self, name: RoomName) -> Room:
        """The room of that name."""
        if name not in self._rooms:
            self._rooms[name] = Room(name)
        return self._rooms[name]

    def leave_room(self, room: Room, channel: "Channel") -> None:
        """Take the channel out; an empty room is forgotten."""
        room.members.discard(channel)
        if not room.members:
            self._rooms.pop(room.name, None)

    def broadcast(self, room: Room, broadcast: Broadcast, sender: "Channel | None" = None) -> None:
        """Send to everybody in the room."""
        room.deliver(broadcast, sender)

    @property
    def live(self) -> bool:
        """Whether the changes arrive as they are committed."""
        return self._live

    @live.setter
    def live(self, live: bool) -> None:
        self._live = live
        metrics.FEED_LIVE.set(live)
        if live:
            waiting, self._waiting = self._waiting, {}
            for proceed in waiting:
                proceed()

    def when_live(self, proceed: Callable[[], None]) -> None:
        """Call `proceed` now, or once the changes arrive again; `give_up` takes it back."""
        if self._live:
            proceed()
        else:
            self._waiting[proceed] = None

    def give_up(self, proceed: Callable[[], None]) -> None:
        """No longer call `proceed`."""
        self._waiting.pop(proceed, None)

    def tidy(self) -> None:
        """Drop what is older than clients may come back for, and end what has run out. Call once a second."""
        for team in self._teams.values():
            team.forget(self.now() - KEPT_SECONDS)
        for session in [session for session in self.sessions if session.deadline <= self.now()]:
            session.check_deadlines()
