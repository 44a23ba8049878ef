"""What clients see and send."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

Role = Literal["admin", "member"]


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("the name of a time zone, like Europe/Lisbon")
    return name


TimeZone = Annotated[
    str,
    AfterValidator(_known_time_zone),
    Field(description="Name in the IANA time zone database", examples=["Europe/Lisbon"], max_length=64),
]


ALEX: dict[str, Any] = {
    "id": "user_2DemoAlex0000000000000000000",
    "name": "Alex Morgan",
    "avatar_url": None,
    "timezone": "Europe/Lisbon",
    "role": "admin",
}
TEAM: dict[str, Any] = {"id": "org_2DemoKestrelHarbour000000000", "name": "Kestrel Harbour"}


MEMBER_CHANGE: dict[str, Any] = {"timezone": "Europe/Lisbon", "notifications": {"weekly_report": False}}


class TeamView(BaseModel):
    """The caller's team."""

    model_config = ConfigDict(json_schema_extra={"examples": [TEAM]})

    id: str
    name: str


class NotificationSettings(BaseModel):
    """Which mails the member wants."""

    reminders: bool
    weekly_report: bool


class Me(BaseModel):
    """The caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [ALEX | {"team": TEAM, "notifications": {"reminders": True, "weekly_report": True}}]
        }
    )

    id: str
    name: str
    avatar_url: str | None
    timezone: str
    role: Role
    team: TeamView
    notifications: NotificationSettings


class NotificationChange(BaseModel):
    """Which mails to send from now on; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    reminders: StrictBool | None = None
    weekly_report: StrictBool | None = None


class MeChange(BaseModel):
    """What to change; what is left out stays. The name is changed at Clerk."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1, "examples": [MEMBER_CHANGE]})

    timezone: TimeZone | None = None
    notifications: NotificationChange | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "MeChange":
        if not self.model_fields_set:
            raise ValueError("at least one of timezone and notifications")
        return self


class TeamMember(BaseModel):
    """Somebody in the team."""

    id: str
    name: str
    avatar_url: str | None
    timezone: str
    role: Role
    joined_at: datetime


class TeamMemberPage(BaseModel):
    """A part of the list; `next_cursor` asks for the following one, and is null at the end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [ALEX | {"joined_at": "2030-01-31T09:12:45+00:00"}], "next_cursor": None}]
        }
    )

    items: list[TeamMember]
    next_cursor: str | None
