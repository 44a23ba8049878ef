"""What clients see and send."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["csv", "json"]
EXAMPLE: dict[str, Any] = {
    "id": "6f1f5c52-5a70-4c2c-8b6c-5f6f3f0f5d10",
    "format": "csv",
    "status": "ready",
    "progress": 100,
    "created_at": "2030-01-31T09:12:45.120934+00:00",
    "finished_at": "2030-01-31T09:12:46.004711+00:00",
}
LINK = "https://project.supabase.co/storage/v1/object/sign/exports/org_1/user_1/6f1f5c52.csv?token=..."


class NewExport(BaseModel):
    """An export to make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"format": "csv"}]})

    format: Format


class ExportView(BaseModel):
    """A file with all expectations of the caller in the team. It is kept for a week."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    format: Format
    status: Literal["requested", "running", "ready", "failed"]
    progress: int = Field(ge=0, le=100, description="Percent")
    created_at: datetime
    finished_at: datetime | None


class ExportDetails(ExportView):
    """An export with the link to its file."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"url": LINK}]})

    url: str | None = Field(description="When ready: a link that works for five minutes")


class ExportPage(BaseModel):
    """A part of the list; `next_cursor` asks for the following one, and is null at the end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next_cursor": None}]})

    items: list[ExportView]
    next_cursor: str | None
