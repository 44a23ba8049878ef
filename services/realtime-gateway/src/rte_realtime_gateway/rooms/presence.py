"""Presence: who is in a room, and the diffs that say so. rooms.py brings them to sockets, broker/ to the peers."""

import hashlib
import json
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import orjson

from rte_realtime_gateway.protocol import json_text

NOBODY = ""
"""Id of no process: the entry was left behind by one that stopped, for the client to come back to."""

Meta = bytes
"""What a client tracks, as a JSON object: its fields as it sent them, with its user id set by us."""
EntryId = tuple[str, str]
"""Presence key and phx_ref."""

Part = dict[str, dict[str, list[orjson.Fragment]]]
"""Entries as clients get them: presence key -> metas."""

PART_BYTES = 1 << 18
"""Bytes at which a presence message ends: much less than may wait for a client before it is cut off."""
MAX_META_BYTES = 800
"""Bytes of the payload of `track`, as JSON: it goes to the whole room, and every few seconds to all peers."""
OURS = frozenset({"user_id", "phx_ref"})
"""Fields of a meta that the server sets."""
MAX_GAPS = 100
"""Numbers of gone entries that stay in the order before it is made anew."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Presence that one client tracks."""

    key: str
    ref: str
    member_id: str
    meta: Meta
    peer_id: str
    """Id of the process whose client tracks the entry, or NOBODY for a while."""

    @property
    def id(self) -> EntryId:
        return self.key, self.ref

    @property
    def wire(self) -> bytes:
        """The meta as clients get it. Without `phx_ref` the Python client's reader dies."""
        return self.meta[:-1] + b',"phx_ref":' + orjson.dumps(self.ref) + b"}"


def meta_of(payload: str, member_id: str) -> Meta:
    """The meta of a `track` payload, a JSON object. Nobody can be present as somebody else, or under another ref."""
    fields = json_text.whole(payload, json_text.members(MAX_META_BYTES))
    own = {name: said.text for name, said in fields.items() if name not in OURS}
    # json.dumps, because a name may have half an emoji.
    texts = [f"{json.dumps(name)}:{text}" for name, text in own.items()]
    return ("{" + ",".join([*texts, f'"user_id":{json.dumps(member_id)}']) + "}").encode()


def new_ref(session: str | None, room: str, key: str, meta: Meta) -> str:
    """A phx_ref: the same again for a client that returns with its session id and says the same."""
    if session is None:
        return uuid.uuid4().hex[:20]
    said = orjson.dumps([session, room, key, meta.decode()])
    return hashlib.blake2b(said, digest_size=10).hexdigest()


@dataclass(slots=True)
class Cursor:
    """Progress of somebody new, who was sent the entries up to the number `after`, of those up to `until`.

    Who comes later has a higher number, and is in the diffs that everybody is sent.
    """

    after: int
    until: int

    @property
    def is_over(self) -> bool:
        """Whether all entries were sent."""
        return self.after >= self.until


@dataclass(slots=True)
class Presence:
    """The entries of one room, and the joins and leaves that its members were not sent yet."""

    entries: dict[EntryId, Entry] = field(default_factory=dict)
    _joins: dict[EntryId, Entry] = field(default_factory=dict)
    _leaves: dict[EntryId, Entry] = field(default_factory=dict)
    _latest: int = 0
    _numbers: dict[EntryId, int] = field(default_factory=dict)
    """Number of each entry, also of those whose leaving was not sent yet."""
    _order: list[tuple[int, EntryId]] = field(default_factory=list)
    """Entries by number; with some that are no longer there."""

    def put(self, entry: Entry) -> bool:
        """Let somebody be present; returns whether that makes a diff. A known entry may change hands without one."""
        known = self.entries.get(entry.id)
        self.entries[entry.id] = entry
        if known is not None:
            return False
        if self._leaves.pop(entry.id, None) is None:
            self._joins[entry.id] = entry
            self._number(entry.id)
        return True

    def _number(self, entry_id: EntryId) -> None:
        self._latest += 1
        self._numbers[entry_id] = self._latest
        self._order.append((self._latest, entry_id))
        if len(self._order) > 2 * len(self._numbers) + MAX_GAPS:
            self._order = [(number, known) for number, known in self._order if self._numbers.get(known) == number]

    def remove(self, entry_id: EntryId) -> bool:
        """Let somebody be gone; returns whether that makes a diff."""
        entry = self.entries.pop(entry_id, None)
        if entry is None:
            return False
        if self._joins.pop(entry_id, None) is None:
            self._leaves[entry_id] = entry
        else:
            del self._numbers[entry_id]
        return True

    def take_diffs(self) -> Iterator[bytes]:
        """The changes since the last call, as `presence_diff` payloads.

        First who left, then who came, never both in one: realtime-js 2.100.0 to 2.110.8 keeps ghosts of a presence that
        changes within one diff (supabase-js issue 2565).
        """
        leaves, self._leaves = self._leaves, {}
        joins, self._joins = self._joins, {}
        for entry_id in leaves:
            del self._numbers[entry_id]
        yield from (orjson.dumps({"joins": {}, "leaves": part}) for part in _parts(leaves.values()))
        yield from (joins_payload(part) for part in _parts(joins.values()))

    def cursor(self) -> Cursor:
        """The beginning for somebody new, who sees all diffs from now on."""
        return Cursor(0, self._latest)

    def next_part(self, cursor: Cursor) -> Part:
        """As many entries as one message takes of those that somebody new was not sent yet."""
        return next(_parts(self._unsent(cursor)), {})

    def _unsent(self, cursor: Cursor) -> Iterator[Entry]:
        """Entries not sent yet, also those whose leaving was not sent yet: who is back meanwhile makes no diff."""
        for index in range(bisect_right(self._order, cursor.after, key=itemgetter(0)), len(self._order)):
            number, entry_id = self._order[index]
            if number > cursor.until:
                break
            cursor.after = number
            entry = self.entries.get(entry_id) or self._leaves.get(entry_id)
            if entry is not None and self._numbers[entry_id] == number:
                yield entry
        cursor.after = cursor.until


def joins_payload(part: Part) -> bytes:
    """The payload of a `presence_diff` that tells who came."""
    return orjson.dumps({"joins": part, "leaves": {}})


def _parts(entries: Iterable[Entry]) -> Iterator[Part]:
    part: Part = {}
    size = 0
    for entry in entries:
        wire = entry.wire
        part.setdefault(entry.key, {"metas": []})["metas"].append(orjson.Fragment(wire))
        size += len(wire) + len(entry.key)
        if size >= PART_BYTES:
            yield part
            part, size = {}, 0
    if part:
        yield part
