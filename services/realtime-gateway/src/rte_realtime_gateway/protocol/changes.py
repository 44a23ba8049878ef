"""One committed row change, as it came from the events and as clients see it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from rte_common.events import RawEvent
from rte_realtime_gateway.protocol.tables import COLUMNS, KEYS, SCHEMA

ChangeType = Literal["INSERT", "UPDATE", "DELETE"]
Select = frozenset[str] | None
"""Columns that a client wants; None: all."""

MAX_CHANGE_BYTES = 1_000_000
"""Bytes of one change as JSON. The Python client's websocket library closes at 1 MiB, and would do so for ever."""
MAX_SHORT_FIELD_BYTES = 64
"""Bytes up to which a field stays in a change that is too large, as on the real server."""
MAX_SELECTIONS = 4
"""Encodings kept of one change: it is kept for minutes, and anybody may select as they like."""
TOO_LARGE = "Error 413: Payload Too Large"


class NotAChange(ValueError):
    """Event that does not describe a change of a published table."""


@dataclass(slots=True)
class Change:
    """Row change of one team. `sequence` is the event's number in the stream, which orders everything."""

    sequence: int
    team_id: str
    user_id: str
    table: str
    type: ChangeType
    committed_at: datetime
    published_at: float
    """Unix time at which the broker took it, which may be long after the commit."""
    record: dict[str, Any] | None
    old_record: dict[str, Any] | None
    _data: dict[Select, bytes] = field(default_factory=dict, repr=False)

    @property
    def row(self) -> dict[str, Any]:
        """Row that filters look at: the new one, or what was deleted."""
        return self.record or self.old_record or {}

    def data(self, select: Select = None) -> bytes:
        """The `data` of a `postgres_changes` message as JSON, made once for each of the first selections."""
        data = self._data.get(select)
        if data is None:
            data = orjson.dumps(self._describe(select))
            if len(data) > MAX_CHANGE_BYTES:
                data = orjson.dumps(self._describe(select, _short) | {"errors": [TOO_LARGE]})
            if len(self._data) < MAX_SELECTIONS:
                self._data[select] = data
        return data

    def _describe(self, select: Select, keep: Any = lambda value: True) -> dict[str, Any]:
        names = _selected(self.table, select)
        described: dict[str, Any] = {
            "schema": SCHEMA,
            "table": self.table,
            "commit_timestamp": _milliseconds(self.committed_at),
            "type": self.type,
            "columns": _columns(self.table, select),
            "errors": None,
        }
        # A missing row is left out: the Python client refuses `old_record: null`.
        for key, row in (("record", self.record), ("old_record", self.old_record)):
            if row is not None:
                described[key] = {name: row[name] for name in names if name in row and keep(row[name])}
        return described


@lru_cache(maxsize=256)
def _selected(table: str, select: Select) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS[table] if select is None or name in select | KEYS[table])


@lru_cache(maxsize=256)
def _columns(table: str, select: Select) -> orjson.Fragment:
    """The columns as JSON, made once: they are more than half of a change."""
    columns = COLUMNS[table]
    return orjson.Fragment(orjson.dumps([{"name": name, "type": columns[name]} for name in _selected(table, select)]))


def _short(value: Any) -> bool:
    return len(orjson.dumps(value)) <= MAX_SHORT_FIELD_BYTES


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(sequence: int, published_at: float, event: RawEvent) -> Change:
    """Read an event of a published table; raises NotAChange."""
    if event.table not in COLUMNS:
        raise NotAChange(f"{event.change} of {event.table}")
    change = Change(
        sequence=sequence,
        team_id=event.team_id,
        user_id=event.user_id,
        table=event.table,
        type=event.change,
        committed_at=event.occurred_at,
        published_at=published_at,
        record=event.record,
        old_record=event.old_record,
    )
    if not change.row:
        raise NotAChange("no row")
    return change
