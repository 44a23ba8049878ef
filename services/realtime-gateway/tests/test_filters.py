"""Filters: every operator, negation, AND, quoting, NULL, types, and what is wrong is said."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rte_realtime_gateway.protocol import bindings
from rte_realtime_gateway.protocol.bindings import MAX_CONDITIONS, MAX_PATTERNS
from rte_realtime_gateway.protocol.filters import BadFilter, parse
from rte_realtime_gateway.protocol.tables import COLUMNS

EXPECTATIONS = COLUMNS["expectations"]
ROW: dict[str, Any] = {
    "id": "0b6f0a4e-6f5e-4c59-9d8c-2f2d5f9a1c11",
    "title": 'Report, "final" (v2) 100%',
    "user_id": "user_alex",
    "is_done": False,
    "done_at": None,
    "version": 7,
    "created_at": "2026-11-22T09:41:39.123456+00:00",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True),
        ("", True),
        ("  ", True),
        ("version=eq.7", True),
        ("version=eq.8", False),
        ("version=neq.8", True),
        ("version=lt.8", True),
        ("version=lte.7", True),
        ("version=gt.7", False),
        ("version=gte.7", True),
        ("version=gt.10", False),
        ("user_id=in.(user_maria,user_alex)", True),
        ('user_id=in.("user_maria","user, x")', False),
        ("id=eq.0B6F0A4E-6F5E-4C59-9D8C-2F2D5F9A1C11", True),
        ("is_done=eq.f", True),
        ("is_done=is.false", True),
        ("is_done=is.true", False),
        ("done_at=is.null", True),
        ("done_at=is.not_null", False),
        ("is_done=is.unknown", False),
        ("created_at=gt.2026-11-22T10:41:39+02:00", True),
        ("created_at=lt.2026-11-22", False),
        ("title=like.Report%", True),
        ("title=like.report%", False),
        ("title=ilike.report%", True),
        ("title=like.Report_%", True),
        ("title=like.%100\\%", True),
        ("title=like.Report", False),
        ('title=match."^Report, .*\\\\(v[0-9]\\\\)"', True),
        ("title=match.final", True),
        ("title=imatch.FINAL", True),
        ("version=isdistinct.7", False),
        ("title=isdistinct.null", True),
        ("user_id=in.(user_maria, user_alex)", True),
        ("user_id=in.( user_maria , user_alex )", True),
        ('user_id=in.("user_maria", "user_alex")', True),
        ('user_id=in.(" user_alex")', False),
        ("user_id=not.in.(user_maria, user_alex)", False),
        ("user_id=not.in.(user_maria, NULL)", False),
        ("done_at=not.in.()", True),
        ("title=like.%(v2)%", True),
        ('title=like.%"final"%', True),
        ('title=eq."open', False),
        ('title=neq."closed" and more', True),
        ("title=match.Report.+100", True),
        ("version=eq. 7 ", True),
        ("created_at=lt.now", True),
        ("created_at=lt.infinity", True),
        ("created_at=gt.-infinity", True),
        ("created_at=lt.tomorrow", True),
        ("done_at=isdistinct.2026-11-22", True),
        ('title=eq."Report, \\"final\\" (v2) 100%"', True),
        ("version=not.eq.7", False),
        ("version=not.in.(1,2)", True),
        ("title=not.like.Draft%", True),
        ("done_at=not.is.null", False),
        ("done_at=eq.2026-11-22", False),
        ("done_at=not.eq.2026-11-22", False),
        ("done_at=neq.2026-11-22", False),
        ("version=eq.7,user_id=eq.user_alex", True),
        ("version=eq.7,user_id=eq.user_maria", False),
        ('user_id=in.(user_alex,"a,b"),version=eq.7, is_done=is.false', True),
    ],
)
def test_a_filter_decides_as_postgres_would(text: str | None, expected: bool) -> None:
    assert parse(text, EXPECTATIONS).matches(ROW) is expected


@pytest.mark.parametrize(
    "text",
    [
        "version",
        "version=7",
        "version=near.7",
        "nowhere=eq.1",
        "email=eq.a@example.com",
        "version=eq.seven",
        "id=eq.1",
        "is_done=eq.maybe",
        "created_at=gt.the day before",
        "done_at=isdistinct.null",
        "version=like.7%",
        "id=match.0b",
        "version=is.true",
        "is_done=is.TRUE",
        "version=eq.2147483648",
        "version=eq.٧",
        "user_id=in.(a,,b)",
        'user_id=in.("a"b)',
        "user_id=in.({a},b)",
        "title=like.100\\",
        "title=match.\\mReport",
        "is_done=is.perhaps",
        "user_id=in.a,b",
        f"version=in.({','.join(map(str, range(101)))})",
        "title=match.(",
        "title=eq." + "x" * 5000,
        "version=eq.7,,",
    ],
)
def test_a_bad_filter_says_what_is_wrong(text: str) -> None:
    with pytest.raises(BadFilter, match=r"Error parsing `filter` params: (?!.*b'missing)"):
        parse(text, EXPECTATIONS)


def test_a_pattern_cannot_hold_up_the_loop() -> None:
    """In a backtracking engine this takes longer than the universe has existed."""
    assert not parse("title=match.^(a+)+$", EXPECTATIONS).matches({"title": "a" * 500 + "!"})


@pytest.mark.parametrize("pattern", [r"\pL{40}", r"(\pL{5}\d){10}"])
def test_a_pattern_that_takes_long_to_compile_is_refused(pattern: str) -> None:
    with pytest.raises(BadFilter, match="pattern"):
        parse(f"title=match.{pattern}", EXPECTATIONS)


def test_a_join_has_only_so_many_patterns_in_all() -> None:
    entry = {"event": "*", "schema": "public", "table": "expectations"}
    filters = ["title=ilike.a%,title=not.match.b", "title=like.c%", "version=gt.3"]
    entries = [{**entry, "filter": text} for text in filters * MAX_PATTERNS]
    requested = bindings.read(entries)
    assert len(requested.echo) == len(entries), "the echo is complete, or realtime-js gives the channel up"
    patterns = sum(binding.filter_text.count("title") for binding in requested.bindings)
    assert 0 < patterns <= MAX_PATTERNS
    assert all("patterns" in error for error in requested.errors)


def test_a_join_has_only_so_many_conditions_in_all() -> None:
    entry = {"event": "*", "schema": "public", "table": "expectations"}
    entries = [{**entry, "filter": ",".join([f"version=gt.{number}"] * 30)} for number in range(10)]
    requested = bindings.read(entries)
    assert len(requested.echo) == 10
    assert sum(len(binding.filter.conditions) for binding in requested.bindings) == MAX_CONDITIONS // 30 * 30
    assert "conditions" in requested.errors[0]


def test_a_cell_that_does_not_cast_matches_nothing() -> None:
    assert not parse("created_at=gt.2026-11-22", EXPECTATIONS).matches({"created_at": "12026-01-01T00:00:00+00:00"})


@given(st.text(), st.text())
def test_any_value_survives_quoting(value: str, other: str) -> None:
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    same = parse(f"title=eq.{quoted}", EXPECTATIONS) if len(quoted) < 4000 else parse(None, EXPECTATIONS)
    assert same.matches({"title": value})
    assert same.matches({"title": other}) is (value == other)


@given(st.text())
def test_no_filter_whatsoever_raises_anything_else(text: str) -> None:
    with suppress(BadFilter):
        parse(text, EXPECTATIONS).matches(ROW)


def test_a_monitor_of_27_inches_is_found() -> None:
    assert parse('title=eq.27" monitor', EXPECTATIONS).matches({"title": '27" monitor'})


def test_letters_of_all_languages_are_letters_and_a_dot_is_anything() -> None:
    assert parse(r"title=match.^\w+$", EXPECTATIONS).matches({"title": "Größe"})
    assert parse("title=match.^a.b$", EXPECTATIONS).matches({"title": "a\nb"})
    assert parse("title=ilike.GRÖSSE%", EXPECTATIONS).matches({"title": "grösse heute"})


def test_now_is_the_moment_of_the_change() -> None:
    overdue = parse("estimated_completion=lt.now", EXPECTATIONS)
    moment = datetime.now(UTC)
    assert overdue.matches({"estimated_completion": moment.isoformat()})
    assert not overdue.matches({"estimated_completion": (moment + timedelta(hours=1)).isoformat()})
