"""Shared positions: a client may come back to any peer, and to this process after a crash.

Thousands of positions change with each change of a row, so clients share slots, and a slot is written as one key.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import nats.errors
import orjson
import structlog

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.readiness import Readiness, Source
from rte_realtime_gateway.broker.key_value import KeyValue, Watcher
from rte_realtime_gateway.changes.positions import Position, Positions

log = structlog.get_logger(__name__)

POSITIONS_STORE = "realtime_positions"
SLOT_DIGITS = 2
"""Hexadecimal digits of a client's key that choose its slot."""
SHARE_SECONDS = 0.05
"""Seconds between two rounds of writing, at least."""
SECONDS_PER_SLOT = 0.003
"""Seconds added for each slot that was written: the more there is to share, the more seldom."""


class UnsharedPositions:
    """Clients of this process about whom the peers do not know the latest."""

    def __init__(self) -> None:
        self._clients: set[str] = set()
        self._done: list[Callable[[], None]] = []
        self._news, self._hurry = asyncio.Event(), asyncio.Event()

    def changed(self, client: str) -> None:
        """Have the client's positions shared soon."""
        self._clients.add(client)
        self._news.set()

    def share_now(self, done: Callable[[], None]) -> None:
        """Share what was not shared yet, and call `done` when the broker was given it, or is away."""
        self._done.append(done)
        self._hurry.set()
        self._news.set()

    def reset(self) -> None:
        """Share nothing of what has changed until now: it was in another stream."""
        self._clients.clear()

    async def wait(self) -> None:
        """Wait until there is something to share."""
        await self._news.wait()
        self._news.clear()
        self._hurry.clear()

    async def rest(self, seconds: float) -> None:
        """Let changes gather for so long, unless somebody cannot wait."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    def take(self) -> set[str]:
        """Take the clients whose positions are to be shared."""
        clients, self._clients = self._clients, set()
        return clients

    def take_waiting(self) -> list[Callable[[], None]]:
        """Take the calls that wait until everything is shared."""
        done, self._done = self._done, []
        return done


class SharedPositions:
    """Exchange of positions with the peers: this process' clients, and theirs."""

    def __init__(
        self, store: KeyValue, unshared: UnsharedPositions, positions: Positions, readiness: Readiness, peer_id: str
    ) -> None:
        self._store = store
        self._unshared = unshared
        self._positions = positions
        self._readiness = readiness
        self._peer_id = peer_id
        self._slots: dict[str, set[str]] = {}
        """Clients of this process, present and recent, by slot."""

    async def run(self) -> None:
        """Exchange with the peers until cancelled."""
        watcher = Watcher(self._learn, lambda key: None, on_reset=self._share_again, on_loaded=self._loaded)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store.run(watcher))
            tasks.create_task(self._keep_sharing())

    async def hand_over(self) -> None:
        """Share what was not shared yet: the process ends."""
        self._share()
        await self._store.flush()

    async def _keep_sharing(self) -> None:
        while True:
            await self._unshared.wait()
            waiting = self._unshared.take_waiting()
            slots = self._share()
            if waiting:
                await self._flush(waiting)
            await self._unshared.rest(SHARE_SECONDS + slots * SECONDS_PER_SLOT)

    async def _flush(self, waiting: list[Callable[[], None]]) -> None:
        try:
            await self._store.flush()
        except (nats.errors.Error, OSError) as error:
            log.info("positions_not_shared", error=repr(error))
        for done in waiting:
            done()

    def _share(self) -> int:
        """Write the slots of the clients who moved; returns how many those are."""
        unshared = self._unshared.take()
        for client in unshared:
            self._slots.setdefault(client[:SLOT_DIGITS], set()).add(client)
        slots = {client[:SLOT_DIGITS] for client in unshared}
        for slot in slots:
            self._write(slot)
        metrics.POSITIONS.inc(len(unshared))
        return len(slots)

    def _write(self, slot: str) -> None:
        known = {client: positions for client in self._slots[slot] if (positions := self._positions.of(client))}
        self._slots[slot] = set(known)
        encoded = {client: _encoded(positions) for client, positions in known.items()}
        self._store.put(f"{self._peer_id}.{slot}.{self._positions.stream}", orjson.dumps(encoded))

    def _share_again(self) -> None:
        for slot in self._slots:
            self._write(slot)

    def _loaded(self) -> None:
        self._readiness.update(Source.POSITIONS, live=True)

    def _learn(self, key: str, value: bytes) -> None:
        peer_id, *_, stream = key.split(".")
        if peer_id != self._peer_id:
            for client, encoded in orjson.loads(value).items():
                self._positions.learn(client, _decoded(encoded), stream)


def _encoded(positions: dict[str, Position]) -> dict[str, int]:
    """Offset of each subscription; where the client left, its complement, which is below zero."""
    return {subscription: ~offset if left else offset for subscription, (offset, left) in positions.items()}


def _decoded(encoded: dict[str, int]) -> dict[str, Position]:
    return {
        subscription: Position(number) if number >= 0 else Position(~number, left=True)
        for subscription, number in encoded.items()
    }
