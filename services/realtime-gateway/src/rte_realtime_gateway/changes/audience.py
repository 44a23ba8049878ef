"""Audiences: the channels that want the same changes in the same words, so that a change is encoded once for all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from rte_realtime_gateway import metrics
from rte_realtime_gateway.protocol.bindings import Binding
from rte_realtime_gateway.protocol.changes import Change, Select
from rte_realtime_gateway.protocol.frames import Version, push

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.channel import Channel
    from rte_realtime_gateway.clients.session import Session

Write = Callable[[bytes], None]


class Audience:
    """The channels of one team that joined the same topic, in the same protocol version, with the same bindings.

    A frame carries a null join_ref, which every client accepts, and so is the same for all of them.
    """

    def __init__(self, topic: str, version: Version, bindings: tuple[Binding, ...]) -> None:
        self.holders = 0
        """Channels that listen, or will as soon as they have caught up."""
        self.members: dict[Channel, Write] = {}
        self.tracked: dict[Session, None] = {}
        """Sessions of members whose positions are kept."""
        self._topic = topic
        self._version = version
        self._bindings = bindings
        self._pending: list[bytes] = []

    def frames(self, change: Change) -> list[bytes]:
        """The websocket frames that tell a member of the change: one, or one for each distinct selection."""
        wanted: dict[Select, list[int]] = {}
        for binding in self._bindings:
            if binding.matches(change):
                wanted.setdefault(binding.select, []).append(binding.id)
        return [self._frame(ids, change.data(select)) for select, ids in wanted.items()]

    def frames_of_some(self, changes: list[Change], user_id: str | None, size: int) -> tuple[list[bytes], int]:
        """The frames of the first changes, until they have `size` bytes, and how many changes those are. With a user's
        id the others' changes are left out."""
        frames: list[bytes] = []
        for count, change in enumerate(changes, 1):
            if user_id in (None, change.user_id):
                told = self.frames(change)
                frames += told
                size -= sum(map(len, told))
            if size <= 0:
                return frames, count
        return frames, len(changes)

    def _frame(self, ids: list[int], data: bytes) -> bytes:
        payload = b"".join((b'{"ids":', orjson.dumps(ids), b',"data":', data, b"}"))
        return push(self._version, self._topic, "postgres_changes", payload)

    def publish(self, change: Change) -> bool:
        """Queue the change for all members; returns whether any frame waits for `flush`."""
        if self.members:
            self._pending += self.frames(change)
        return bool(self._pending)

    def flush(self) -> None:
        """Write what waits: one write per member, however many changes piled up."""
        if not self._pending:
            return
        count = len(self._pending)
        data = b"".join(self._pending) if count > 1 else self._pending[0]
        self._pending.clear()
        # A write may cut a slow member off, which takes it out of the dictionary.
        for write in list(self.members.values()):
            write(data)
        metrics.DELIVERIES.labels("change").inc(count * len(self.members))

    def add(self, channel: "Channel") -> None:
        """Let the channel have what is published from now on, and nothing that waits already."""
        self.flush()
        self.rewire(channel)
        if channel.session.client_id is not None:
            self.tracked[channel.session] = None

    def rewire(self, channel: "Channel") -> None:
        """Write to the channel by its session's present way of writing."""
        self.members[channel] = channel.session.write

    def remove(self, channel: "Channel") -> None:
        """Write what waits, then let the channel go: it has had everything up to now."""
        self.flush()
        self.members.pop(channel, None)
        self.tracked.pop(channel.session, None)
