"""What clients see and send."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _instant(value: object) -> object:
    """Only RFC 3339 with an offset: numbers and bare dates would leave the time zone to luck."""
    if value is None:
        return value
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("a time with offset, like 2026-11-22T09:30:00+01:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time between the years 1 and 9999") from error


Instant = Annotated[datetime, BeforeValidator(_instant)]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$"),
    Field(description="What the member is on, trimmed", examples=["Finalize Q3 marketing report"]),
]
EstimatedCompletion = Annotated[
    Instant | None, Field(description="When it will be done: in the future", examples=["2030-01-31T17:00:00+01:00"])
]


class Status(StrEnum):
    """Which expectations a list holds."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ALL = "all"


class NewExpectation(BaseModel):
    """An expectation to publish."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    estimated_completion: EstimatedCompletion = None


class ExpectationUser(BaseModel):
    """Whose expectation it is."""

    id: str
    name: str
    avatar_url: str | None


class ExpectationView(BaseModel):
    """A member's expectation."""

    id: UUID
    team_id: str
    user_id: str
    user: ExpectationUser
    title: str
    estimated_completion: datetime | None
    is_done: bool
    done_at: datetime | None
    archived_at: datetime | None
    version: int = Field(description="Grows by one with each change; the ETag")
    created_at: datetime
    updated_at: datetime


class ExpectationPage(BaseModel):
    """A part of a list; `next_cursor` asks for the following one, and is null at the end."""

    items: list[ExpectationView]
    next_cursor: str | None
