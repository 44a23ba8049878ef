"""Row filters of a binding: `column=op.value`, several joined by commas, each possibly negated with `not.`.

The grammar is the real server's (Supabase docs "Postgres Changes", filters; realtime-js
RealtimePostgresFilterBuilder): PostgREST's quoting, where double quotes and parentheses keep commas together.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import re2

MAX_IN_VALUES = 100
MAX_FILTER_CHARACTERS = 4096
"""Characters of a whole filter, at most."""
MAX_PATTERN_BYTES = 1 << 16
"""Memory of one compiled pattern. Compiling it takes less than a millisecond; with a megabyte it took twenty."""
PATTERN = re.compile(r"=(?:not\.)?i?(?:like|match)\.")

Truth = bool | None
"""Truth in SQL, which has three values: None is unknown."""
Test = Callable[[Any], Truth]
Cast = Callable[[Any], Any]


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
        except BadFilter:
            return False  # a cell outside Python's range, like the timestamp "infinity"


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
    test = OPERATORS[name](value, _cast_of(columns[column]))
    return Condition(column, _negate(test) if negated else test)


def _split(text: str) -> list[str]:
    """Split at the commas that are neither quoted nor inside parentheses."""
    parts, start, depth, position = [], 0, 0, 0
    while position < len(text):
        match text[position]:
            case '"':
                position = _end_of_quote(text, position)
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "," if depth <= 0:
                parts.append(text[start:position])
                start = position + 1
        position += 1
    return [*parts, text[start:]]


def _end_of_quote(text: str, start: int) -> int:
    position = start + 1
    while position < len(text) and text[position] != '"':
        position += 2 if text[position] == "\\" else 1
    if position >= len(text):
        raise BadFilter("a double quote is not closed")
    return position


def _unquote(text: str) -> str:
    stripped = text.strip()
    if not stripped.startswith('"'):
        return text
    if _end_of_quote(stripped, 0) != len(stripped) - 1:
        raise BadFilter(f"{text!r} goes on after its closing quote")
    characters = iter(stripped[1:-1])
    return "".join(next(characters) if character == "\\" else character for character in characters)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("true", "t", "yes", "on", "1"):
        return True
    if word in ("false", "f", "no", "off", "0"):
        return False
    raise ValueError(f"not a boolean: {word}")


CASTS: dict[str, Cast] = {
    "text": str,
    "int4": int,
    "bool": _boolean,
    "uuid": lambda value: UUID(str(value)),
    "timestamptz": _moment,
}


def _cast_of(kind: str) -> Cast:
    cast = CASTS[kind]

    def checked(value: Any) -> Any:
        try:
            return cast(value)
        except ValueError:
            raise BadFilter(f"{value!r} is not of type {kind}") from None

    return checked


def _negate(test: Test) -> Test:
    def negated(cell: Any) -> Truth:
        truth = test(cell)
        return None if truth is None else not truth

    return negated


def _strict(compare: Callable[[Any], bool]) -> Test:
    """Unknown for NULL, as in SQL."""
    return lambda cell: None if cell is None else compare(cell)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[str, Cast], Test]:
    def build(value: str, cast: Cast) -> Test:
        wanted = cast(_unquote(value))
        return _strict(lambda cell: compare(cast(cell), wanted))

    return build


def _in(value: str, cast: Cast) -> Test:
    if not (value.startswith("(") and value.endswith(")")):
        raise BadFilter("`in` takes a list in parentheses")
    items = _split(value[1:-1])
    if len(items) > MAX_IN_VALUES:
        raise BadFilter(f"`in` takes at most {MAX_IN_VALUES} values")
    wanted = {cast(_unquote(item)) for item in items}
    return _strict(lambda cell: cast(cell) in wanted)


def _is(value: str, cast: Cast) -> Test:
    match value.lower():
        case "null" | "unknown":
            return lambda cell: cell is None
        case "not_null":
            return lambda cell: cell is not None
        case "true":
            return lambda cell: cell is True
        case "false":
            return lambda cell: cell is False
    raise BadFilter("`is` takes null, not_null, true, false or unknown")


def _is_distinct(value: str, cast: Cast) -> Test:
    if value.lower() == "null":
        return lambda cell: cell is not None
    wanted = cast(_unquote(value))
    return lambda cell: cell is None or cast(cell) != wanted


def _like(*, ignore_case: bool) -> Callable[[str, Cast], Test]:
    def build(value: str, cast: Cast) -> Test:
        return _search(f"(?s)^{_pattern_of_like(_unquote(value))}$", ignore_case=ignore_case)

    return build


def _pattern_of_like(like: str) -> str:
    characters = iter(like)
    pattern = ""
    for character in characters:
        match character:
            case "%":
                pattern += ".*"
            case "_":
                pattern += "."
            case "\\":
                pattern += re2.escape(next(characters, "\\"))
            case _:
                pattern += re2.escape(character)
    return pattern


def _match(*, ignore_case: bool) -> Callable[[str, Cast], Test]:
    return lambda value, cast: _search(_unquote(value), ignore_case=ignore_case)


def _search(pattern: str, *, ignore_case: bool) -> Test:
    # RE2 runs in linear time: a client's pattern must not be able to hold up everybody else.
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        expression = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise BadFilter(f"bad pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None
    return _strict(lambda cell: expression.search(str(cell)) is not None)


OPERATORS: dict[str, Callable[[str, Cast], Test]] = {
    "eq": _comparison(operator.eq),
    "neq": _comparison(operator.ne),
    "lt": _comparison(operator.lt),
    "lte": _comparison(operator.le),
    "gt": _comparison(operator.gt),
    "gte": _comparison(operator.ge),
    "in": _in,
    "like": _like(ignore_case=False),
    "ilike": _like(ignore_case=True),
    "is": _is,
    "match": _match(ignore_case=False),
    "imatch": _match(ignore_case=True),
    "isdistinct": _is_distinct,
}
