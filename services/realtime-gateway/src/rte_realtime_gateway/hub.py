"""The hub: joins what all clients of this process share. It takes each change once and does no I/O."""

import time
from collections.abc import Callable
from itertools import islice

import structlog

from rte_common.auth import Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.limits import Limits
from rte_realtime_gateway.access.readiness import Readiness
from rte_realtime_gateway.access.revocations import Revocations
from rte_realtime_gateway.changes.acknowledgements import Acknowledgements
from rte_realtime_gateway.changes.fanout import Fanout
from rte_realtime_gateway.changes.positions import Positions
from rte_realtime_gateway.ports import Client, Later
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.messages import CloseCode
from rte_realtime_gateway.rooms.replay import Replay
from rte_realtime_gateway.rooms.rooms import Rooms

log = structlog.get_logger(__name__)


class Hub:
    """The clients of this process, and the subjects that they share: changes, positions, rooms, limits."""

    def __init__(
        self,
        later: Later,
        rooms: Rooms,
        replay: Replay,
        positions: Positions,
        readiness: Readiness,
        *,
        flush_seconds: float = 0.09,
        expiry_grace: float = 60.0,
        kept_seconds: float = 390.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        """Unix time, for what other machines have dated: it may jump."""
        self.clock = clock
        """Seconds that only ever pass, for everything that is measured here."""
        self.later = later
        self.rooms = rooms
        self.replay = replay
        self.positions = positions
        self.readiness = readiness
        self.acknowledgements = Acknowledgements(later, clock)
        self.fanout = Fanout(later, self.acknowledgements, flush_seconds=flush_seconds, now=now, clock=clock)
        self.limits = Limits(clock)
        self.revocations = Revocations(clock)
        self.clients: set[Client] = set()
        self.draining = False
        """Whether the process is about to stop, and takes no more joins."""
        self.kept_seconds = kept_seconds
        """Seconds for which changes are kept for clients that come back."""
        self._expiry_grace = expiry_grace

    # Changes

    def reset(self, sequence: int, stream: str) -> None:
        """Begin with the changes after `sequence` of this stream; offsets in another one mean nothing."""
        self.fanout.reset(sequence)
        self.positions.reset(stream)
        self._each(list(self.clients), lambda client: client.reset())

    def skip(self, sequence: int) -> None:
        """Pass over an event that is no change for clients."""
        self.fanout.skip(sequence)

    def publish(self, change: Change) -> None:
        """Take the next change of the stream, and throw out the member who lost the team by it."""
        self.fanout.publish(change)
        if self.revocations.apply(change):
            self._expel(lambda client: client.expel(change.team_id, change.user_id))
        self.fanout.release_waiting()

    def end_session(self, session_id: str) -> None:
        """Throw out whoever signed in with this session: it was ended."""
        self.revocations.end_session(session_id)
        self._expel(lambda client: client.expel_session(session_id))

    def _expel(self, expel: Callable[[Client], None]) -> None:
        self._each(list(self.clients), expel)

    # Clients

    def add(self, client: Client) -> None:
        """Let a client take part."""
        self.clients.add(client)

    def remove(self, client: Client) -> None:
        """Drop a client: its socket is gone."""
        self.clients.discard(client)
        self.acknowledgements.discard(client)

    def deadline_of(self, member: Member) -> float:
        """Time by this process' clock at which a channel with the member's token ends: a wall clock may jump later.

        A channel outlives its token by a grace: clients renew on a heartbeat, every 25 s, or 60 s in hidden tabs.
        """
        return self.clock() + member.expires_at - self.now() + self._expiry_grace

    def _each(self, clients: list[Client], act: Callable[[Client], None]) -> None:
        """An error with one client is the end of that client's session only."""
        for client in clients:
            try:
                act(client)
            except Exception:
                log.exception("session_broke", session=client.client_id)
                self._cut(client)

    def _cut(self, client: Client) -> None:
        for _ in range(2):  # what fails while its channels end does not come again
            try:
                client.close(*CloseCode.BROKEN)
            except Exception:
                log.exception("session_not_closed", session=client.client_id)
            else:
                return

    # Upkeep

    def check_deadlines(self) -> None:
        """End what has run out. Call once a second."""
        now = self.clock()
        due = [client for client in self.clients if client.deadline <= now]
        self._each(due, lambda client: client.check_deadlines())
        metrics.QUEUE_BYTES.set(sum(client.queued_bytes for client in self.clients if client.lagging))

    def prune(self) -> None:
        """Drop what is older than clients may come back for. Call now and then."""
        self.fanout.prune(self.now() - self.kept_seconds)
        for subject in (self.positions, self.limits, self.revocations, self.replay):
            subject.prune()

    def close_some(self, count: int) -> None:
        """Have any `count` of the clients connect again, elsewhere."""
        self._each(list(islice(self.clients, count)), lambda client: client.send_away())
