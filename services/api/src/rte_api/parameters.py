"""Parameters that several calls share: times, pages, ids and headers, each with its refusal in words."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Header, Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

LOCAL = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?"
RFC_3339 = re.compile(LOCAL + r"([Zz]|[+-]\d\d:\d\d)", re.ASCII)
WITHOUT_OFFSET = re.compile(LOCAL, re.ASCII)
PLUS_AS_BLANK = re.compile(LOCAL + r" \d\d:\d\d", re.ASCII)
FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
EXPECTED_INSTANT = "a time with its offset, like 2030-01-31T17:00:00+01:00"
EXPECTED_DAY = "a date, like 2030-01-31"


def _instant(value: object) -> datetime:
    """Only RFC 3339 with an offset: numbers and bare dates would leave the time zone to luck."""
    if isinstance(value, str) and FULL_DATE.fullmatch(value):
        raise ValueError(f"{EXPECTED_INSTANT} (the day alone leaves open when)")
    if isinstance(value, str) and WITHOUT_OFFSET.fullmatch(value):
        raise ValueError(f"{EXPECTED_INSTANT} (the offset is missing: append Z for UTC, or one like +01:00)")
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError(EXPECTED_INSTANT)
    return _existing(value, EXPECTED_INSTANT, lambda: datetime.fromisoformat(value.upper()).astimezone(UTC))


MomentT = TypeVar("MomentT", date, datetime)


def _existing(value: str, expected: str, read: Callable[[], MomentT]) -> MomentT:
    """What `read` makes of a text of the right form; ValueError when the calendar or the clock has no such moment."""
    try:
        return read()
    except OverflowError as error:
        raise ValueError("a time between the years 1 and 9999") from error
    except ValueError as error:
        raise ValueError(f"{expected} ({error})") from error


def _instant_of_query(value: object) -> datetime:
    """In a query `+` means a blank, and clients that build it by hand forget to write %2B."""
    if isinstance(value, str) and PLUS_AS_BLANK.fullmatch(value):
        value = value.replace(" ", "+")
    return _instant(value)


INSTANT_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2030-01-31T17:00:00+01:00"]}
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema(INSTANT_SCHEMA),
]
QueryInstant = Annotated[datetime, BeforeValidator(_instant_of_query), WithJsonSchema(INSTANT_SCHEMA)]


def _day(value: object) -> date:
    """Only RFC 3339's full-date: pydantic also takes numbers."""
    if not isinstance(value, str) or not FULL_DATE.fullmatch(value):
        raise ValueError(EXPECTED_DAY)
    return _existing(value, EXPECTED_DAY, lambda: date.fromisoformat(value))


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2030-01-31"]}),
]


TIME_OF_DAY = r"([01]\d|2[0-3]):[0-5]\d"
EXPECTED_TIME = "a time of day, like 08:30"
EXPECTED_QUARTER = "a time of day on a quarter of an hour, like 09:30"


def _time_of_day(value: object) -> time:
    """Hours and minutes: seconds and offsets, which pydantic also takes, mean nothing here."""
    if not isinstance(value, str) or not re.fullmatch(TIME_OF_DAY, value, re.ASCII):
        raise ValueError(EXPECTED_TIME)
    return time.fromisoformat(value)


def _quarter(value: object) -> time:
    """Times are looked at every quarter of an hour, which every time zone's clock strikes together."""
    try:
        read = _time_of_day(value)
    except ValueError as error:
        raise ValueError(EXPECTED_QUARTER) from error
    if read.minute % 15:
        raise ValueError(EXPECTED_QUARTER)
    return read


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": f"^{TIME_OF_DAY}$", "examples": ["08:30"]}),
]
QuarterOfDay = Annotated[
    time,
    BeforeValidator(_quarter),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):(00|15|30|45)$", "examples": ["09:30"]}),
]


def _of_form(pattern: str, words: str) -> tuple[AfterValidator, WithJsonSchema]:
    """A validator that tells the pattern in words, and the schema that shows it to generators."""
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(words)
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


PAGE_SIZE = 50
MAX_PAGE_ITEMS = 100
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_ITEMS, description="Most items of the page", examples=[20])]
CURSOR = "`next_cursor` of the page before, unchanged"


class Paged(BaseModel):
    """How much of a list a caller wants; subclasses add the cursor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Limit = PAGE_SIZE


class Page(Paged):
    """Which part of a list a caller wants."""

    cursor: Annotated[str | None, Field(max_length=200, description=CURSOR)] = None


MemberId = Annotated[str, *_of_form("[A-Za-z0-9_-]{1,64}", "a member's id, like user_2DemoAlex, or me")]
ExpectationId = Annotated[UUID, Path(description="`id` of an expectation of the team")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETag that the expectation must still have, or `*`",
        max_length=1000,
        examples=['"3-6d0ec8d0a4f1c0d2"'],
    ),
]
Key = Annotated[str, *_of_form("[!-~]{1,255}", "1 to 255 visible ASCII characters, such as a UUID")]
IdempotencyKey = Annotated[
    Key | None,
    Header(
        alias="Idempotency-Key",
        description="Sent again within 24 hours with the same body, the request is answered again and not done again",
        examples=["6b0c1e6e-6f5e-4b8e-9d56-0d8c8a7b3f11"],
    ),
]
