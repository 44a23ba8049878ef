"""Values of filters and cells of rows, as Postgres reads them from text: one cast for each type of column."""

import math
import re
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

Cast = Callable[[Any], Any]
Value = Callable[[], Any]
"""Function that returns a filter's value: `now` is another one each time."""

MAX_CACHED_CELLS = 1_024
"""Cells whose value is remembered: all filters of a team look at the same one."""
SPACES = " \t\n\v\f\r"
DECIMAL = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*")
OTHER_BASE = re.compile(r"[+-]?0(?:[xX](?:_?[0-9a-fA-F]+)+|[oO](?:_?[0-7]+)+|[bB](?:_?[01]+)+)")
MAX_INT4 = (1 << 31) - 1
MAX_DIGITS = 1_000
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
UUID = re.compile(r"(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}", re.ASCII | re.IGNORECASE)
MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:T|[ ]+)(\d{1,2}):(\d{2})(?::(\d{2})(\.\d*)?)?"
    r"[ ]*(?:Z|UTC|GMT|([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
DAY = 86_400_000_000
"""Microseconds of a day."""
MAX_ZONE_HOURS = 15
DAYS_FROM_TODAY = {"yesterday": -1, "today": 0, "tomorrow": 1}
EPOCH = date(1970, 1, 1).toordinal()


class BadValue(ValueError):
    """Text that is no value of the type."""


def value_of(text: str, kind: str) -> Value:
    """The value that a filter names; raises BadValue."""
    word = text.strip(SPACES).lower()
    if kind == "timestamptz" and word == "now":
        return lambda: time.time_ns() // 1000
    if kind == "timestamptz" and word in DAYS_FROM_TODAY:
        days = DAYS_FROM_TODAY[word]
        return lambda: (time.time_ns() // 1000 // DAY + days) * DAY
    value = CASTS[kind](text)
    return lambda: value


def _integer(value: Any) -> int:
    if type(value) is int:
        return value  # a cell
    digits = str(value).strip(SPACES)
    is_decimal = DECIMAL.fullmatch(digits) is not None
    if len(digits) > MAX_DIGITS or not (is_decimal or OTHER_BASE.fullmatch(digits)):
        raise BadValue
    number = int(digits, 10 if is_decimal else 0)
    if not -MAX_INT4 - 1 <= number <= MAX_INT4:
        raise BadValue
    return number


def _boolean(value: Any) -> bool:
    """Any beginning of a word that begins no other."""
    if isinstance(value, bool):
        return value
    text = str(value).strip(SPACES).lower()
    meant = {truth for word, truth in WORDS.items() if text and word.startswith(text)}
    if len(meant) != 1:
        raise BadValue
    return meant.pop()


@lru_cache(MAX_CACHED_CELLS)
def _uuid(value: Any) -> str:
    text = str(value)
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    if UUID.fullmatch(text) is None:
        raise BadValue
    return text.replace("-", "").lower()


@lru_cache(MAX_CACHED_CELLS)
def _moment(value: Any) -> float:
    """Microseconds since 1970, or an infinity: as Postgres keeps them, which rounds to the microsecond."""
    text = str(value).strip(SPACES)
    if (word := text.lower()) in ("infinity", "-infinity", "+infinity"):
        return -math.inf if word.startswith("-") else math.inf
    if word == "epoch":
        return 0
    found = MOMENT.fullmatch(text)
    if found is None:
        raise BadValue
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction, sign, *zone = found.groups()[6:]
    zone_hour, zone_minute, zone_second = (int(part or 0) for part in zone)
    # 24:00:00 is the end of a day, and a minute may have a leap second.
    too_late = hour > 24 or (hour == 24 and (minute, second, float(fraction or 0)) != (0, 0, 0))
    if too_late or minute > 59 or second > 60 or zone_hour > MAX_ZONE_HOURS or zone_minute > 59 or zone_second > 59:
        raise BadValue
    try:
        days = date(year, month, day).toordinal() - EPOCH
    except ValueError:
        raise BadValue from None
    offset = ((zone_hour * 60 + zone_minute) * 60 + zone_second) * (-1 if sign == "-" else 1)
    seconds = (hour * 60 + minute) * 60 + second - offset
    return days * DAY + seconds * 1_000_000 + round(float(f"0{fraction or '.'}0") * 1_000_000)


CASTS: dict[str, Cast] = {
    "text": str,
    "int4": _integer,
    "bool": _boolean,
    "uuid": _uuid,
    "timestamptz": _moment,
}


# Lists


def array(text: str) -> list[str | None]:
    """Elements of an array literal without its outermost braces: `red, blue`, `"a,b"`, `NULL`. Raises BadValue."""
    elements, end = _array(text + "}", 0)
    if end != len(text) + 1:
        raise BadValue
    return _flat(elements)


def _array(text: str, position: int) -> tuple[list[Any], int]:
    """The elements up to the closing brace, and where what follows it begins; arrays within arrays are lists."""
    elements: list[Any] = []
    position = _skip(text, position)
    if text[position] == "}":
        return elements, position + 1
    while True:
        element, position = _array(text, position + 1) if text[position] == "{" else _element(text, position)
        elements.append(element)
        position = _skip(text, position)
        delimiter = text[position : position + 1]
        if delimiter == "}":
            return elements, position + 1
        if delimiter != ",":
            raise BadValue
        position = _skip(text, position + 1)


def _element(text: str, position: int) -> tuple[str | None, int]:
    found = QUOTED.match(text, position)
    if found is not None:
        return ESCAPE.sub(r"\1", found[1]), found.end()
    found = PLAIN.match(text, position)
    if found is None:
        raise BadValue
    # Blanks at the end do not count, but for one after a backslash.
    plain = PLAIN_END.sub("", found[0])
    if not plain:
        raise BadValue
    return None if plain.lower() == "null" else ESCAPE.sub(r"\1", plain), found.end()


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in SPACES:
        position += 1
    return position


def _flat(elements: Sequence[Any]) -> list[str | None]:
    """All elements of all dimensions; raises BadValue unless arrays within have the same number of elements."""
    if not any(isinstance(element, list) for element in elements):
        return list(elements)
    if not all(isinstance(element, list) for element in elements) or len({len(one) for one in elements}) != 1:
        raise BadValue
    return [leaf for element in elements for leaf in _flat(element)]


ESCAPE = re.compile(r"\\(.)", re.DOTALL)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
PLAIN = re.compile(r'(?:[^"\\,{}]|\\.)+', re.DOTALL)
PLAIN_END = re.compile(r"(?<!\\)[ \t\n\v\f\r]+\Z")
