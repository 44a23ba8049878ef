"""JSON as it was sent: values together with their text, which goes on to others unchanged.

A value that was read and written again is another one: integers beyond 64 bits, `-0` and `1E400` become something
else, of two members with one name one is lost, and half an emoji (a lone surrogate, which JavaScript makes when it cuts
a text) cannot be written at all.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeVar

import orjson
import re2

MAX_DEPTH = 128
"""Levels of JSON in what a client says: parsers of some clients end at a thousand, and what is sent on gets some."""

MAX_PARTS = 32
"""Elements or members that are taken apart: it takes longer than to read them."""

Read = TypeVar("Read")
Reader = Callable[[str, int], tuple[Read, int]]
"""Function that reads what begins at an offset of a text; returns it and where it ends."""


class BadJson(ValueError):
    """Text that is no JSON, or has too many levels; the message continues a sentence that names the text."""


class Part(NamedTuple):
    """One value of a larger text."""

    value: Any
    text: str
    """The value as it was sent."""


def read(data: str | bytes) -> Any:
    """Read a whole text; raises BadJson. What cannot be written again is read nevertheless."""
    check_depth(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return whole(data, part).value


def whole(data: str | bytes, reader: Reader[Read]) -> Read:
    """Read a whole text with a reader; raises BadJson."""
    try:
        text = data if isinstance(data, str) else data.decode()
        value, end = reader(text, _matched(SPACE, text, 0).end())
    except BadJson:
        raise
    except (ValueError, RecursionError):
        raise BadJson("is not JSON") from None
    if _matched(SPACE, text, end).end() != len(text):
        raise BadJson("is not JSON")
    return value


def part(text: str, start: int) -> tuple[Part, int]:
    """Reader of any value."""
    value, end = _scan(text, start)
    return Part(value, text[start:end]), end


def elements(item: Reader[Read], limit: int = MAX_PARTS) -> Reader[list[Read]]:
    """Reader of an array of at most `limit` elements, each of which `item` reads."""

    def reader(text: str, start: int) -> tuple[list[Read], int]:
        found = _matched(ARRAY, text, start)
        read: list[Read] = []
        while found[1] != "]":
            if len(read) == limit:
                raise BadJson(f"has more than {limit} elements")
            value, end = item(text, found.end())
            read.append(value)
            found = _matched(AFTER_ELEMENT, text, end)
        return read, found.end(1)

    return reader


def members(limit: int = MAX_PARTS, **readers: Reader[Any]) -> Reader[dict[str, Any]]:
    """Reader of an object of at most `limit` members: some have readers of their own, the others become parts.

    Of several with one name the last counts, as everywhere.
    """

    def reader(text: str, start: int) -> tuple[dict[str, Any], int]:
        found = _matched(OBJECT, text, start)
        read: dict[str, Any] = {}
        for _ in range(limit + 1):
            if found[1] == "}":
                return read, found.end(1)
            named = _matched(NAME, text, found.end())
            name = named[2] if "\\" not in named[2] else _scan(named[1], 0)[0]
            reads: Reader[Any] = readers.get(name, part)
            read[name], end = reads(text, named.end())
            found = _matched(AFTER_MEMBER, text, end)
        raise BadJson(f"has more than {limit} members")

    return reader


def _matched(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    found = pattern.match(text, position)
    if found is None:
        raise BadJson("is not JSON")
    return found


def _refuse(constant: str) -> NoReturn:
    raise BadJson(f"has {constant}, which is not JSON")


SPACE = re.compile(r"[ \t\n\r]*")
ARRAY, OBJECT = re.compile(r"\[[ \t\n\r]*(\])?"), re.compile(r"\{[ \t\n\r]*(\})?")
"""The beginning of an array or object, and its end if it is empty."""
AFTER_ELEMENT, AFTER_MEMBER = (re.compile(rf"[ \t\n\r]*([,{end}])[ \t\n\r]*") for end in (r"\]", "}"))
NAME = re.compile(r'("((?:[^"\\\x00-\x1f]|\\.)*)")[ \t\n\r]*:[ \t\n\r]*')
# Numbers as floats: an `int` of thousands of digits would be refused, one of a million would take minutes.
_scan: Reader[Any] = json.JSONDecoder(parse_int=float, parse_constant=_refuse).raw_decode


# Levels


def check_depth(data: str | bytes) -> None:
    """Raise BadJson if the text has more than MAX_DEPTH levels, before anything is read: in one pass, in RE2."""
    opened = sum(map(data.count, "[{")) if isinstance(data, str) else sum(map(data.count, (b"[", b"{")))
    if opened <= MAX_DEPTH:
        return  # as nearly always: counting is much faster
    if _SHALLOW.fullmatch(data.encode() if isinstance(data, str) else data) is None:
        raise BadJson(f"is not JSON, or has more than {MAX_DEPTH} levels")


def _shallow() -> Any:
    """Pattern of texts whose brackets are at most MAX_DEPTH deep: some states of RE2's automaton for each level."""
    string = r'"(?:[^"\\]|\\(?s:.))*"'
    pattern = ""
    for _ in range(MAX_DEPTH + 1):
        pattern = rf'(?:[^"\[\]{{}}]|{string}|[\[{{]{pattern}[\]}}])*' if pattern else rf'(?:[^"\[\]{{}}]|{string})*'
    options = re2.Options()
    options.never_capture = True
    compiled: Any = re2.compile(pattern.encode(), options)
    return compiled


_SHALLOW = _shallow()
