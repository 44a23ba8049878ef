"""Bindings: which row changes a channel asked for, and the ids under which it will recognise them."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from rte_realtime_gateway.protocol import filters
from rte_realtime_gateway.protocol.changes import Change, Select
from rte_realtime_gateway.protocol.filters import Filter
from rte_realtime_gateway.protocol.tables import COLUMNS, SCHEMA

ANY = "*"
EVENTS = frozenset({ANY, "INSERT", "UPDATE", "DELETE"})
ECHOED = ("event", "schema", "table", "filter", "select")
MAX_ID = (1 << 27) - 1
"""Largest id: the real server's have 27 bits, and clients need a positive integer below 2^31."""
MAX_PATTERNS = 10
"""Patterns (`like`, `match` and their kin) of all filters of a join: it is read before anybody knows whose it is."""
MAX_CONDITIONS = 200
"""Conditions of all filters of a join: each is looked at for each change of the team."""


class BadBinding(ValueError):
    """Binding for which nothing can be delivered; the text goes out in a `system` message."""


@dataclass(frozen=True)
class Binding:
    """One entry of `config.postgres_changes` that was understood."""

    id: int
    event: str
    table: str
    filter_text: str
    select: Select
    filter: Filter

    def __hash__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        """Equal when the same changes match: compiled filters have no equality of their own."""
        return isinstance(other, Binding) and self._terms() == other._terms()

    def _terms(self) -> tuple[Any, ...]:
        return self.id, self.event, self.table, self.filter_text, self.select

    def matches(self, change: Change) -> bool:
        """Whether the change is wanted. Deletes are filtered by the row that was deleted."""
        return (
            self.event in (ANY, change.type) and self.table in (ANY, change.table) and self.filter.matches(change.row)
        )


@dataclass(frozen=True, slots=True)
class Requested:
    """Changes that a join asks for: the echo of every entry, the entries that work, what is wrong with the others."""

    echo: list[dict[str, Any]]
    bindings: tuple[Binding, ...]
    errors: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Hash of the entries in their order, the same in every process."""
        return hashlib.blake2b(orjson.dumps(self.echo), digest_size=6).hexdigest()


def read(entries: Sequence[dict[str, Any]]) -> Requested:
    """Read the entries in order.

    realtime-js compares the echo field by field and in order, and gives the channel up on any difference: it repeats
    what was sent and completes nothing. Ids depend on the entries only, so that a rejoin gets the same.
    """
    echo: list[dict[str, Any]] = []
    bindings: list[Binding] = []
    errors: list[str] = []
    taken: dict[int, dict[str, Any]] = {}
    patterns = conditions = 0
    for entry in entries:
        said = {key: entry[key] for key in ECHOED if key in entry}
        number = _id(said, taken)
        taken[number] = said
        echo.append({"id": number, **said})
        more = filters.patterns_in(str(entry.get("filter")))
        try:
            if more and patterns + more > MAX_PATTERNS:
                raise BadBinding(f"Error parsing `filter` params: more than {MAX_PATTERNS} patterns in one join")
            patterns += more
            binding = _binding(number, entry)
            if conditions + len(binding.filter.conditions) > MAX_CONDITIONS:
                raise BadBinding(f"Error parsing `filter` params: more than {MAX_CONDITIONS} conditions in one join")
            conditions += len(binding.filter.conditions)
            bindings.append(binding)
        except ValueError as error:
            errors.append(str(error))
    return Requested(echo, tuple(dict.fromkeys(bindings)), tuple(errors))


def _id(said: dict[str, Any], taken: dict[int, dict[str, Any]]) -> int:
    number = zlib.crc32(repr(sorted(said.items())).encode()) % MAX_ID + 1
    while number in taken and taken[number] != said:
        number = number % MAX_ID + 1
    return number


def _binding(number: int, entry: dict[str, Any]) -> Binding:
    event = entry.get("event")
    table = entry.get("table") or ANY
    schema = entry.get("schema") or SCHEMA
    text = entry.get("filter") or ""
    # Absent, null and unknown events are any, as on the real server: clients in Kotlin ask for `SELECT`.
    event = event.upper() if isinstance(event, str) and event.upper() in EVENTS else ANY
    if not isinstance(schema, str) or not isinstance(table, str):
        raise BadBinding("Unable to subscribe to changes with given parameters. schema and table are text")
    if schema not in (SCHEMA, ANY) or (table != ANY and table not in COLUMNS):
        name = f"{schema:.100}.{table:.100}"
        raise BadBinding(f"Unable to subscribe to changes with given parameters. No such table: {name}")
    if not isinstance(text, str):
        raise BadBinding("Error parsing `filter` params: a filter is text")
    select = _select(entry.get("select"), table)
    if table == ANY and text.strip():
        raise BadBinding("Error parsing `filter` params: a filter needs a table")
    return Binding(number, event, table, text, select, filters.parse(text, COLUMNS.get(table, {})))


def _select(wanted: Any, table: str) -> Select:
    if isinstance(wanted, str):
        raise BadBinding("Error parsing `select` params: a list of column names")
    names = frozenset(name for name in wanted if isinstance(name, str)) if isinstance(wanted, list) else frozenset()
    if not names:
        return None  # all columns: what the real server makes of an empty list, and of anything else
    if table == ANY:
        raise BadBinding("Error parsing `select` params: a selection needs a table")
    if unknown := names - COLUMNS[table].keys():
        raise BadBinding(f"Error parsing `select` params: there is no column {min(unknown)!r}")
    return names
