"""Who is present in a room, and the diffs that tell. Pure: replicas are told by replicas.py, sockets by room.py."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

NOBODY = ""
"""Instead of a replica: the entry was left behind by one that stopped, for the client to come back to."""

Meta = dict[str, Any]
EntryId = tuple[str, str]
"""Presence key and phx_ref."""

MAX_METAS = 1_000
"""Most metas in one message: messages must stay below 1 MiB, which Python's websocket library refuses."""
MAX_META_BYTES = 800
"""Largest payload of `track`, in bytes of JSON: a thousand of them fit into a message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tracked presence. It belongs to the replica whose client tracks it, or to NOBODY for a while."""

    key: str
    ref: str
    member_id: str
    meta: Meta
    """What the client said, with its user id set by us: nobody can be present as somebody else."""
    replica: str

    @property
    def id(self) -> EntryId:
        return self.key, self.ref

    @property
    def wire(self) -> Meta:
        """The meta as clients get it. Without `phx_ref` the Python client's reader dies."""
        return {**self.meta, "phx_ref": self.ref}


def new_ref(session: str | None, room: str, key: str, meta: Meta) -> str:
    """A phx_ref: the same again for a client that returns with its session id and says the same."""
    if session is None:
        return uuid.uuid4().hex[:20]
    told = orjson.dumps([session, room, key, meta], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(told, digest_size=10).hexdigest()


@dataclass(slots=True)
class Presence:
    """The entries of one room, and what its members were not told yet."""

    entries: dict[EntryId, Entry] = field(default_factory=dict)
    _joins: dict[EntryId, Entry] = field(default_factory=dict)
    _leaves: dict[EntryId, Entry] = field(default_factory=dict)

    def put(self, entry: Entry) -> bool:
        """Let somebody be present; returns whether there is news. A known entry may change hands without any."""
        known = self.entries.get(entry.id)
        self.entries[entry.id] = entry
        if known is not None:
            return False
        if self._leaves.pop(entry.id, None) is None:
            self._joins[entry.id] = entry
        return True

    def remove(self, entry_id: EntryId) -> bool:
        """Let somebody be gone; returns whether there is news."""
        entry = self.entries.pop(entry_id, None)
        if entry is None:
            return False
        if self._joins.pop(entry_id, None) is None:
            self._leaves[entry_id] = entry
        return True

    def news(self) -> Iterator[bytes]:
        """What changed since the last call, as `presence_diff` payloads.

        First who left, then who came, never both in one: realtime-js 2.100.0 to 2.110.8 keeps ghosts of a presence that
        changes within one diff (supabase-js issue 2565).
        """
        leaves, self._leaves = self._leaves, {}
        joins, self._joins = self._joins, {}
        for part in _parts(leaves.values()):
            yield orjson.dumps({"joins": {}, "leaves": part})
        for part in _parts(joins.values()):
            yield orjson.dumps({"joins": part, "leaves": {}})

    def state(self) -> Iterator[tuple[str, bytes]]:
        """Everybody, as events for somebody new: one `presence_state`, and diffs for what has no place in it."""
        parts = _parts(self.entries.values())
        yield "presence_state", orjson.dumps(next(parts, {}))
        for part in parts:
            yield "presence_diff", orjson.dumps({"joins": part, "leaves": {}})


def _parts(entries: Iterable[Entry]) -> Iterator[dict[str, dict[str, list[Meta]]]]:
    part: dict[str, dict[str, list[Meta]]] = {}
    for number, entry in enumerate(entries, 1):
        part.setdefault(entry.key, {"metas": []})["metas"].append(entry.wire)
        if number % MAX_METAS == 0:
            yield part
            part = {}
    if part:
        yield part
