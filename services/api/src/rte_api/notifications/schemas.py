"""What clients see."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE: dict[str, Any] = {
    "id": "9a1de7f4-6c2b-4d5b-8a57-0d8f6f3c2b11",
    "kind": "due-soon",
    "expectation_id": "0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11",
    "title": "Finalize Q3 marketing report",
    "estimated_completion": "2030-01-31T16:00:00+00:00",
    "created_at": "2030-01-31T15:30:00.120934+00:00",
    "read_at": None,
}


class NotificationView(BaseModel):
    """Something that the caller was told. It is kept for 90 days."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    kind: Literal["due-soon", "overdue", "nothing-set"]
    expectation_id: UUID | None = Field(description="Null for `nothing-set`, and when it was withdrawn meanwhile")
    title: str | None = Field(description="Of the expectation at that time; null for `nothing-set`")
    estimated_completion: datetime | None = Field(description="As it was at that time; null for `nothing-set`")
    created_at: datetime
    read_at: datetime | None


class Unread(BaseModel):
    """How many notifications the caller has not read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unread": 0}]})

    unread: int


class NotificationPage(Unread):
    """A part of the list, and how many of the whole are unread; `next_cursor` is null at the end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next_cursor": None, "unread": 1}]})

    items: list[NotificationView]
    next_cursor: str | None
