"""Filters mean what they mean to the real server, which asks Postgres: the same conditions, decided by both.

What differs is documented in docs/realtime-clients.md; every other difference fails.
"""

import random
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from rte_realtime_gateway.protocol.filters import BadFilter, _split, parse

VERDICT = """
create function pg_temp.verdict(question text) returns text language plpgsql as $$
declare answer boolean;
begin
    execute question into answer;
    return coalesce(answer::text, 'null');
exception when others then
    return 'bad';
end $$
"""
SYMBOLS = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "in": "= any",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "isdistinct": "is distinct from",
}
ORDERED = ("lt", "lte", "gt", "gte")
PATTERNS = ("like", "ilike", "match", "imatch")
PLAIN = ("eq", "neq", *ORDERED, "isdistinct")

WORDS = [
    "red",
    "blue",
    "Red",
    "a",
    "B",
    "",
    " ",
    "null",
    "NULL",
    "é",
    "É",
    "Σ",
    "ς",
    "İ",
    "ß",
    "_",
    "%",
    "100%",
    '"',
    "\\",
    "'",
    "(",
    ")",
    "{",
    "}",
    ".",
    "=",
    "\n",
    '27" monitor',
    "$1",
    "a_b",
    "eq.x",
    "-",
]
EXPRESSIONS = [
    "^",
    "$",
    "red",
    "r.d",
    ".*",
    "\\w+",
    "\\W",
    "\\s",
    "\\d",
    "[a-c]",
    "[^a]",
    "[[:alpha:]]",
    "[\\w-]",
    "[]a]",
    "(red|blue)",
    "x{2}",
    "\\.",
    "\\yred",
    "é",
    "É",
    "a?",
    "\\Z",
    "\\A",
    "[",
    "(",
    "*",
    "\n",
]
INTEGERS = [
    "7",
    "8",
    "-7",
    "+7",
    " 7",
    "7 ",
    "\t7",
    "07",
    "0x7",
    "0X_7",
    "0o7",
    "0b111",
    "0_7",
    "7_0",
    "7__0",
    "_7",
    "7_",
    "",
    "seven",
    "7.0",
    "7e0",
    "٧",
    "2147483647",
    "2147483648",
    "-2147483648",
    "0",
    "-0",
    "9" * 30,
]
BOOLEANS = [
    "t",
    "f",
    "true",
    "FALSE",
    "tr",
    "tru",
    "fal",
    "y",
    "yes",
    "ye",
    "n",
    "no",
    "on",
    "of",
    "off",
    "o",
    "1",
    "0",
    "2",
    "10",
    "",
    " t ",
    "maybe",
    "truely",
]
ID = "0b6f0a4e-6f5e-4c59-9d8c-2f2d5f9a1c11"
UUIDS = [
    ID,
    ID.upper(),
    ID.replace("-", ""),
    "{" + ID + "}",
    "{" + ID,
    f" {ID}",
    "0b6f-0a4e-6f5e-4c59-9d8c-2f2d-5f9a-1c11",
    "0b-6f0a4e6f5e4c599d8c2f2d5f9a1c11",
    "urn:uuid:" + ID,
    "",
    "x",
    ID[:-1],
    ID[:-1] + "2",
]
TIMES = [
    "2026-11-22",
    "2026-11-22T09:41:39.123456+00:00",
    "2026-11-22 10:41:39.123456+01",
    "2026-11-22 09:41:39.1234564Z",
    "2026-11-22T09:41",
    "2026-11-22 09:41:39 -0030",
    "2026-1-2",
    "2026-11-22T24:00:00Z",
    "2026-11-22T24:00:01Z",
    "2026-11-22T23:59:60Z",
    "2026-13-01",
    "2026-02-30",
    "infinity",
    "-infinity",
    "Infinity",
    "epoch",
    "now",
    "NOW",
    "today",
    " tomorrow ",
    "yesterday",
    "",
    "null",
    "x",
    "2026-11-22t09:41:39z",
    "2026-11-22T09:41:39+15:59",
    "2026-11-22T09:41:39+16",
    "2026-11-22T09:41:39.+00",
    "0001-01-01",
    "2026-11-22T9:41:39Z",
    "2026-11-22 09:41:61Z",
    "2026-11-22 09:41:39 UTC",
    "20261122",
    "2026-W47-7",
    "Nov 22 2026",
    "2026-11-22 09:41:39 PST",
]
VALUES: dict[str, list[str]] = {
    "text": WORDS,
    "int4": INTEGERS,
    "bool": BOOLEANS,
    "uuid": UUIDS,
    "timestamptz": TIMES,
}
CELLS: dict[str, list[Any]] = {
    "text": [
        None,
        "",
        "red",
        "blue",
        "Red",
        "a",
        "B",
        "red, blue",
        'the 27" monitor',
        "É",
        "σ",
        "i",
        "null",
        "a\nb",
        "100%",
    ],
    "int4": [None, 7, 8, 0, -7, 70, 2147483647],
    "bool": [None, True, False],
    "uuid": [None, ID, ID[:-1] + "2"],
    "timestamptz": [
        None,
        "2026-11-22T09:41:39.123456+00:00",
        "2026-11-22T00:00:00+00:00",
        "infinity",
        "-infinity",
        "1970-01-01T00:00:00+00:00",
        "2026-11-23T00:00:00+00:00",
    ],
}
TOLD_REASONS = ("bad pattern", "are not supported", "does not end with a backslash")
"""Refusals of patterns that RE2 cannot express, or that Postgres would fail at later."""


def some(chance: random.Random, kind: str, operator: str) -> str:
    """A value of a filter, good or bad."""
    if operator == "is":
        return chance.choice(["null", "true", "false", "unknown", "NULL", "maybe", ""])
    if operator == "in":
        return f"({chance.choice([',', ', ', ' , ']).join(element(chance, kind) for _ in range(chance.randrange(4)))})"
    pool = EXPRESSIONS if operator in ("match", "imatch") else VALUES[kind]
    text = "".join(chance.choice(pool) for _ in range(chance.randint(1, 3))) if kind == "text" else chance.choice(pool)
    if "," in text or chance.random() < 0.3:
        return quoted(text)
    return text


def element(chance: random.Random, kind: str) -> str:
    text = chance.choice(VALUES[kind])
    return quoted(text) if chance.random() < 0.4 else text


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def question(kind: str, operator: str, value: str, cell: Any, *, negated: bool, quote: Callable[[str], str]) -> str:
    """What the real server asks Postgres for each change."""
    known = "null" if cell is None else quote(str(cell).lower() if kind == "bool" else str(cell))
    if operator == "is":
        if value not in ("null", "true", "false", "unknown"):
            return "error"
        return f"select {known}::{kind} is {'not' if negated else ''} {value}"
    if operator in PATTERNS and kind != "text":
        return "error"
    if operator == "in":
        asked = f"{known}::{kind} = any ({quote('{' + value[1:-1] + '}')}::{kind}[])"
    else:
        # The order of Unicode, and the letters of all languages, whatever the database was made with.
        collation = "" if kind != "text" else 'collate "C"' if operator in ORDERED else 'collate "pg_c_utf8"'
        asked = f"{known}::{kind} {collation} {SYMBOLS[operator]} ({quote(unquoted(value))}::{kind})"
    return f"select {'not' if negated else ''} ({asked})"


def unquoted(value: str) -> str:
    """What a value says that is in double quotes as a whole."""
    if len(value) < 2 or value[0] != '"':
        return value
    said, rest = "", list(value[1:])
    while rest:
        character = rest.pop(0)
        if character == '"':
            return value if rest else said
        said += rest.pop(0) if character == "\\" and rest else character
    return value


def ours(text: str, kind: str, cell: Any) -> str:
    try:
        return str(parse(text, {"it": kind}).matches({"it": cell})).lower()
    except BadFilter as error:
        return f"bad {error}"


def documented(kind: str, operator: str, mine: str, value: str) -> bool:
    """Whether a refusal of ours is one of the documented differences."""
    other_spelling = kind == "timestamptz" and any(
        spelling in value for spelling in ("20261122", "Nov 22", "PST", "W47")
    )
    return mine.startswith("bad") and (other_spelling or any(reason in mine for reason in TOLD_REASONS))


@pytest.mark.parametrize("count", [1_500, pytest.param(60_000, marks=pytest.mark.nightly)])
async def test_a_filter_decides_as_postgres_does(postgres_server: str, count: int) -> None:
    chance = random.Random(count)
    connection = await asyncpg.connect(postgres_server)
    try:
        await connection.execute("set timezone to 'UTC'")
        await connection.execute(VERDICT)
        cases: list[tuple[str, str, str, str, Any, bool]] = []
        while len(cases) < count:
            kind = chance.choice(list(VALUES))
            operator = chance.choice([*SYMBOLS, "is"])
            value, cell, negated = some(chance, kind, operator), chance.choice(CELLS[kind]), chance.random() < 0.3
            text = f"it={'not.' * negated}{operator}.{value}"
            if not has_several(text):
                cases.append((text, kind, operator, value, cell, negated))
        asked = [
            question(kind, operator, value.strip() if operator == "is" else value, cell, negated=negated, quote=literal)
            for _, kind, operator, value, cell, negated in cases
        ]
        answers = await connection.fetch("select pg_temp.verdict(it) from unnest($1::text[]) as it", asked)
    finally:
        await connection.close()
    differences = []
    for (text, kind, operator, value, cell, _), (answer,) in zip(cases, answers, strict=True):
        mine, theirs = ours(text, kind, cell), "false" if answer == "null" else answer
        if mine.split()[0] != theirs and not documented(kind, operator, mine, value):
            differences.append((text, kind, cell, mine, theirs))
    assert {answer for (answer,) in answers} == {"true", "false", "null", "bad"}
    assert not differences, "\n".join(map(repr, differences))


def literal(text: str) -> str:
    """A text as Postgres' format(%L) writes it."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def has_several(text: str) -> bool:
    """Whether the text is not one condition: its parentheses or quotes let a comma end it. Blanks at its ends go."""
    return len(_split(text.strip())) > 1 or text != text.strip()
