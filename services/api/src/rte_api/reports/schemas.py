"""What clients see."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from rte_common.reports import Figures

EXAMPLE: dict[str, Any] = {
    "id": "9e0a6b8e-1f5e-4a1f-9a52-3f3b0a7e2b10",
    "starts_on": "2030-01-21",
    "ends_on": "2030-01-27",
    "created_at": "2030-01-28T09:00:00.120934+00:00",
}


FIGURES: dict[str, Any] = {
    "completed": 3,
    "estimated": 2,
    "on_time": 1,
    "on_time_share": 0.5,
    "median_error_hours": -1.5,
    "days": [1, 0, 2, 0, 0, 0, 0],
    "members": [{"user_id": "user_2DemoAlex0000000000000000000", "name": "Alex Morgan", "completed": 3, "on_time": 1}],
}


class ReportView(BaseModel):
    """A week of the team; both days belong to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    starts_on: date = Field(description="A Monday")
    ends_on: date
    created_at: datetime


class ReportDetails(ReportView):
    """A week of the team in figures."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"figures": FIGURES}]})

    figures: Figures


class ReportPage(BaseModel):
    """A part of the list; `next_cursor` asks for the following one, and is null at the end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next_cursor": None}]})

    items: list[ReportView]
    next_cursor: str | None
