"""Row filters of a binding: `column=op.value`, several joined by commas, each possibly negated with `not.`.

Grammar and meaning are the real server's, which hands them to Postgres (Supabase docs "Postgres Changes", filters;
realtime-js RealtimePostgresFilterBuilder): tests/test_filters_in_postgres.py compares the two.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rte_realtime_gateway.protocol import cells, patterns
from rte_realtime_gateway.protocol.cells import CASTS, BadValue
from rte_realtime_gateway.protocol.patterns import BadPattern, Matches

MAX_IN_VALUES = 100
MAX_FILTER_CHARACTERS = 4096
"""Characters of a whole filter, at most."""
PATTERN = re.compile(r"=(?:not\.)?i?(?:like|match)\.")
QUOTE_AFTER = ".(,"
"""Characters after which a double quote begins a quoted value; elsewhere it is a character like others."""

Truth = bool | None
"""Truth in SQL, which has three values: None is unknown."""
Test = Callable[[Any], Truth]


class BadFilter(ValueError):
    """Filter that cannot be used; the text is for the client's developer."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Error parsing `filter` params: {text}")


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition on one column: `column=op.value`."""

    column: str
    test: Test


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all be true; an empty filter lets every row through."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether the row passes. A missing cell counts as NULL."""
        try:
            return all(condition.test(row.get(condition.column)) for condition in self.conditions)
        except BadValue:
            return False  # a cell beyond what we can read, like a year of five digits


def parse(text: str | None, columns: Mapping[str, str]) -> Filter:
    """Read a filter over a table with these columns (name -> Postgres type); raises BadFilter."""
    if text is None or not text.strip():
        return Filter()
    if len(text) > MAX_FILTER_CHARACTERS:
        raise BadFilter(f"longer than {MAX_FILTER_CHARACTERS} characters")
    return Filter(tuple(_condition(part, columns) for part in _split(text)))


def patterns_in(text: str) -> int:
    """Number of patterns that a filter has, or may seem to have: counted before any is compiled."""
    return len(PATTERN.findall(text))


def _condition(text: str, columns: Mapping[str, str]) -> Condition:
    column, equals, rest = text.strip().partition("=")
    if not equals:
        raise BadFilter(f"{text!r} is not column=operator.value")
    if column not in columns:
        raise BadFilter(f"there is no column {column!r}")
    negated = rest.startswith("not.")
    name, dot, value = rest.removeprefix("not.").partition(".")
    if not dot or name not in OPERATORS:
        raise BadFilter(f"{rest!r} does not begin with an operator ({', '.join(OPERATORS)})")
    try:
        test = OPERATORS[name](value, columns[column])
    except BadValue:
        raise BadFilter(f"{value!r} is not of type {columns[column]}") from None
    except BadPattern as error:
        raise BadFilter(str(error)) from None
    return Condition(column, _negate(test) if negated else test)


def _split(text: str) -> list[str]:
    """Split at the commas that are neither quoted nor inside parentheses."""
    parts, start, depth, position, before = [], 0, 0, 0, ""
    while position < len(text):
        character = text[position]
        if character == '"' and before and before in QUOTE_AFTER:
            position = _end_of_quote(text, position)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
        before = "" if start == position + 1 else character
        position += 1
    return [*parts, text[start:]]


def _end_of_quote(text: str, start: int) -> int:
    """Where the quote ends; at the end of the text if it is not closed."""
    position = start + 1
    while position < len(text) and text[position] != '"':
        position += 2 if text[position] == "\\" else 1
    return position


def _unquote(text: str) -> str:
    """What is quoted as a whole, without its quotes; anything else as it is."""
    if not text.startswith('"') or _end_of_quote(text, 0) != len(text) - 1:
        return text
    return cells.ESCAPE.sub(r"\1", text[1:-1])


def _negate(test: Test) -> Test:
    def negated(cell: Any) -> Truth:
        truth = test(cell)
        return None if truth is None else not truth

    return negated


def _strict(compare: Callable[[Any], bool]) -> Test:
    """Unknown for NULL, as in SQL."""
    return lambda cell: None if cell is None else compare(cell)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[str, str], Test]:
    def build(value: str, kind: str) -> Test:
        value_now, cast = cells.value_of(_unquote(value), kind), CASTS[kind]
        if kind == "timestamptz":
            return _strict(lambda cell: compare(cast(cell), value_now()))
        wanted = value_now()
        return _strict(lambda cell: compare(cast(cell), wanted))

    return build


def _in(value: str, kind: str) -> Test:
    if len(value) < 2 or not (value.startswith("(") and value.endswith(")")):
        raise BadFilter("`in` takes a list in parentheses")
    items = cells.array(value[1:-1])
    if len(items) > MAX_IN_VALUES:
        raise BadFilter(f"`in` takes at most {MAX_IN_VALUES} values")
    if not items:
        return lambda cell: False  # also for NULL
    values, cast = [cells.value_of(item, kind) for item in items if item is not None], CASTS[kind]
    wanted = frozenset(value() for value in values)
    otherwise = None if None in items else False

    def is_in(cell: Any) -> Truth:
        if cell is None:
            return None
        known = cast(cell)
        # Of times, some are others each time: `now`.
        return known in wanted or (kind == "timestamptz" and any(known == value() for value in values)) or otherwise

    return is_in


def _is(value: str, kind: str) -> Test:
    if value not in IS:
        raise BadFilter(f"`is` takes {', '.join(IS)}")
    if value not in ("null", "not_null") and kind != "bool":
        raise BadFilter(f"`is.{value}` needs a column of type bool, not {kind}")
    return IS[value]


def _is_distinct(value: str, kind: str) -> Test:
    wanted, cast = cells.value_of(_unquote(value), kind), CASTS[kind]
    return lambda cell: cell is None or cast(cell) != wanted()


def _pattern(compile_: Callable[[str], Matches]) -> Callable[[str, str], Test]:
    def build(value: str, kind: str) -> Test:
        if kind != "text":
            raise BadFilter(f"patterns need a column of type text, not {kind}")
        matches = compile_(_unquote(value))
        return _strict(lambda cell: matches(str(cell)))

    return build


IS: dict[str, Test] = {
    "null": lambda cell: cell is None,
    "not_null": lambda cell: cell is not None,
    "true": lambda cell: cell is True,
    "false": lambda cell: cell is False,
    "unknown": lambda cell: cell is None,
}
OPERATORS: dict[str, Callable[[str, str], Test]] = {
    "eq": _comparison(operator.eq),
    "neq": _comparison(operator.ne),
    "lt": _comparison(operator.lt),
    "lte": _comparison(operator.le),
    "gt": _comparison(operator.gt),
    "gte": _comparison(operator.ge),
    "in": _in,
    "like": _pattern(partial(patterns.like, ignore_case=False)),
    "ilike": _pattern(partial(patterns.like, ignore_case=True)),
    "is": _is,
    "match": _pattern(partial(patterns.regular, ignore_case=False)),
    "imatch": _pattern(partial(patterns.regular, ignore_case=True)),
    "isdistinct": _is_distinct,
}
