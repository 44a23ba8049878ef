"""What clients see and send."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rte_api.parameters import Instant
from rte_common.visible_text import INVISIBLE, shows_something, without_overrides

TITLE = "Finalize Q3 marketing report"
ESTIMATE = "2030-01-31T17:00:00+01:00"


def _shown(title: str) -> str:
    title = without_overrides(title).strip()
    if "\0" in title or not shows_something(title):
        raise ValueError("a text that shows something, without NUL")
    return title


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_shown),
    Field(
        description="What the member is on; blanks round it and marks that turn the line round are dropped",
        examples=[TITLE],
        json_schema_extra={"pattern": rf"^[^\u0000]*[^{INVISIBLE}][^\u0000]*$"},
    ),
]


def _to_the_millisecond(moment: datetime) -> datetime:
    """As far as a browser's times go: what it read and sends back is the same."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


EstimatedCompletion = Annotated[
    Annotated[Instant, AfterValidator(_to_the_millisecond)] | None,
    Field(description="When it will be done: in the future, if known; kept to the millisecond"),
]


EXAMPLE: dict[str, Any] = {
    "id": "0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11",
    "team_id": "org_2DemoKestrelHarbour000000000",
    "user_id": "user_2DemoAlex0000000000000000000",
    "user": {"id": "user_2DemoAlex0000000000000000000", "name": "Alex Morgan", "avatar_url": None},
    "title": TITLE,
    "estimated_completion": "2030-01-31T16:00:00+00:00",
    "is_done": False,
    "done_at": None,
    "archived_at": None,
    "version": 1,
    "created_at": "2030-01-31T09:12:45.120934+00:00",
    "updated_at": "2030-01-31T09:12:45.120934+00:00",
}


PAGE: dict[str, Any] = {"items": [EXAMPLE], "next_cursor": None, "as_of": None}


class Status(StrEnum):
    """Which expectations a list holds: current ones, finished ones until they are archived, archived ones, or all."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"
    ALL = "all"


class NewExpectation(BaseModel):
    """An expectation to publish."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": TITLE, "estimated_completion": ESTIMATE}]}
    )

    title: Title
    estimated_completion: EstimatedCompletion = None


def _some_property(schema: dict[str, Any]) -> None:
    schema["minProperties"] = 1
    schema["examples"] = [{"title": TITLE}]
    del schema["properties"]["title"]["default"]  # it means: leave it


class ExpectationChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_some_property)

    title: Title = ""
    estimated_completion: EstimatedCompletion = None

    @model_validator(mode="after")
    def _changes_something(self) -> "ExpectationChange":
        if not self.model_fields_set:
            raise ValueError("at least one of title and estimated_completion")
        return self


class ExpectationUser(BaseModel):
    """Whose expectation it is."""

    id: str
    name: str
    avatar_url: str | None


class ExpectationView(BaseModel):
    """A member's expectation."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    team_id: str
    user_id: str
    user: ExpectationUser
    title: str
    estimated_completion: datetime | None
    is_done: bool
    done_at: datetime | None
    archived_at: datetime | None
    version: int = Field(description="Grows by one with each change; begins its ETag")
    created_at: datetime
    updated_at: datetime


class ExpectationPage(BaseModel):
    """A part of a list; `next_cursor` asks for the following one, and is null at the end."""

    model_config = ConfigDict(json_schema_extra={"examples": [PAGE]})

    items: list[ExpectationView]
    next_cursor: str | None
    as_of: datetime | None = Field(description="While the database is away: when the list was so; else null")
