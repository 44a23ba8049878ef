"""Kinds of input that several calls share."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Header, Query
from pydantic import BeforeValidator, Field, WithJsonSchema

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EXPECTED_INSTANT = "a time with its offset, like 2030-01-31T17:00:00+01:00"
EXPECTED_DAY = "a date, like 2030-01-31"


def _instant(value: object) -> datetime:
    """Only RFC 3339 with an offset: numbers and bare dates would leave the time zone to luck."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError(EXPECTED_INSTANT)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time between the years 1 and 9999") from error
    except ValueError as error:  # there is no such day
        raise ValueError(EXPECTED_INSTANT) from error


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T17:00:00+01:00"]}),
]


def _day(value: object) -> date:
    """Only RFC 3339's full-date: pydantic also takes numbers."""
    if not isinstance(value, str) or not FULL_DATE.fullmatch(value):
        raise ValueError(EXPECTED_DAY)
    try:
        return date.fromisoformat(value)
    except ValueError as error:  # there is no such day
        raise ValueError(EXPECTED_DAY) from error


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]

PAGE_SIZE = 50
MOST_ITEMS = 100
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="Most items of the page")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before")]

MemberId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="ETag that the expectation must still have", max_length=1000),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Sent again within 24 hours with the same body, the request is answered again and not done again",
    ),
]
