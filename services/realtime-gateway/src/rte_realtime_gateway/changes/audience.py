"""Audiences: the channels that want the same changes in the same words, so that a change is encoded once for all."""

from collections.abc import Iterator

import orjson

from rte_realtime_gateway import metrics
from rte_realtime_gateway.ports import Client, Listener, Write
from rte_realtime_gateway.protocol.bindings import Binding
from rte_realtime_gateway.protocol.changes import Change, Select
from rte_realtime_gateway.protocol.frames import Version, push

AudienceKey = tuple[str, Version, tuple[Binding, ...]]
"""Topic, protocol version and bindings, on which the frame of a change depends."""


class Audience:
    """The channels of one team that joined the same topic, in the same protocol version, with the same bindings.

    A frame carries a null join_ref, which every client accepts, and so is the same for all of them.
    """

    def __init__(self, topic: str, version: Version, bindings: tuple[Binding, ...]) -> None:
        self.holders = 0
        """Channels that listen, or will as soon as they have caught up."""
        self.members: dict[Listener, Write] = {}
        """Listening channels, each with its client's present way of being written to."""
        self.resumable: dict[Client, None] = {}
        """Clients of the members that can resume, so that what they received must be known."""
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
        """The frames of the first changes, until they have `size` bytes, and how many changes those are.

        With a user's id the others' changes are left out.
        """
        frames: list[bytes] = []
        for count, change in enumerate(changes, 1):
            if user_id in (None, change.user_id):
                encoded = self.frames(change)
                frames += encoded
                size -= sum(map(len, encoded))
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

    def add(self, listener: Listener) -> None:
        """Let the channel have what is published from now on, and nothing that waits already."""
        self.flush()
        self.rewire(listener)
        if listener.client.client_id is not None:
            self.resumable[listener.client] = None

    def rewire(self, listener: Listener) -> None:
        """Write to the channel by its client's present way of writing."""
        self.members[listener] = listener.write

    def remove(self, listener: Listener) -> None:
        """Write what waits, then let the channel go: it has had everything up to now."""
        self.flush()
        self.members.pop(listener, None)
        self.resumable.pop(listener.client, None)


class Audiences:
    """The audiences of one team: of all its changes, or of those of one user."""

    def __init__(self) -> None:
        self._by_user: dict[str | None, dict[AudienceKey, Audience]] = {}

    def hold(self, user_id: str | None, key: AudienceKey) -> Audience:
        """The audience of this user's changes, or with None of the team's; `release` it once."""
        of_user = self._by_user.setdefault(user_id, {})
        if key not in of_user:
            of_user[key] = Audience(*key)
        of_user[key].holders += 1
        return of_user[key]

    def release(self, user_id: str | None, key: AudienceKey) -> None:
        """Give an audience back; one that nobody holds is dropped."""
        of_user = self._by_user[user_id]
        of_user[key].holders -= 1
        if not of_user[key].holders:
            del of_user[key]
            if not of_user:
                del self._by_user[user_id]

    def publish(self, change: Change) -> list[Audience]:
        """Queue the change for everybody who wants it; returns the audiences to flush."""
        return [audience for audience in self._concerned_by(change) if audience.publish(change)]

    def _concerned_by(self, change: Change) -> Iterator[Audience]:
        for user_id in (None, change.user_id):
            yield from self._by_user.get(user_id, {}).values()

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens, or is about to."""
        return not self._by_user
