"""What clients see and send."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from rte_api.parameters import QuarterOfDay, TimeOfDay
from rte_common import timezones

Role = Literal["admin", "member"]


def _known_time_zone(name: str) -> str:
    if name == "Etc/Unknown":  # of Chrome, where the system has none
        return "UTC"
    if name not in timezones.names():
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


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _days(value: object) -> list[str]:
    if not isinstance(value, list) or not value or len(value) > len(set(map(str, value)) & set(DAYS)):
        raise ValueError(f"a list of one or more of {', '.join(DAYS)}, each once")
    return sorted(value, key=DAYS.index)


Days = Annotated[
    list[str],
    BeforeValidator(_days),
    WithJsonSchema({"type": "array", "items": {"enum": list(DAYS)}, "minItems": 1, "uniqueItems": True}),
]
WORKING_DAYS = "Days on which reminders come; what falls on another comes on the next, if it is still true"
REMIND_BEFORE = "Minutes before the estimated completion at which to be reminded; null: not before it"
NOTHING_SET_AT = "When to be reminded on a working day on which nothing was set; null: never"
QUIET = "When reminders wait; over midnight if the end is before the start; null: never"


MEMBER_CHANGE: dict[str, Any] = {
    "timezone": "Europe/Lisbon",
    "notifications": {"remind_before_minutes": 60, "quiet_hours": {"start": "20:00", "end": "08:00"}},
}
NOTIFICATIONS: dict[str, Any] = {
    "reminders": True,
    "weekly_report": True,
    "remind_before_minutes": 30,
    "quiet_hours": None,
    "days": list(DAYS[:5]),
    "nothing_set_at": "10:00",
}


class TeamView(BaseModel):
    """The caller's team."""

    model_config = ConfigDict(json_schema_extra={"examples": [TEAM]})

    id: str
    name: str


class QuietHours(BaseModel):
    """From when to when, by the clock of the member's time zone."""

    model_config = ConfigDict(extra="forbid")

    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _has_a_length(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("a start and an end that differ; null for no quiet hours")
        return self


class NotificationSettings(BaseModel):
    """What the member wants to be told, and when; times are those of the member's time zone."""

    reminders: bool = Field(description="Whether there are any reminders")
    weekly_report: bool
    remind_before_minutes: int | None = Field(description=REMIND_BEFORE)
    quiet_hours: QuietHours | None = Field(description=QUIET)
    days: Days = Field(description=WORKING_DAYS)
    nothing_set_at: TimeOfDay | None = Field(description=NOTHING_SET_AT)


class Me(BaseModel):
    """The caller."""

    model_config = ConfigDict(json_schema_extra={"examples": [ALEX | {"team": TEAM, "notifications": NOTIFICATIONS}]})

    id: str
    name: str
    avatar_url: str | None
    timezone: str
    role: Role
    team: TeamView
    notifications: NotificationSettings


class NotificationChange(BaseModel):
    """What to tell from now on, and when; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    reminders: StrictBool | None = Field(None, description="Whether there are any reminders; null: as it is")
    weekly_report: StrictBool | None = Field(None, description="Null: as it is")
    remind_before_minutes: Annotated[int, Field(ge=1, le=1440, strict=True)] | None = Field(
        None, description=REMIND_BEFORE
    )
    quiet_hours: QuietHours | None = Field(None, description=QUIET)
    days: Days | None = Field(None, description=f"{WORKING_DAYS}. Null: as it is")
    nothing_set_at: QuarterOfDay | None = Field(None, description=f"{NOTHING_SET_AT}. On a quarter of an hour")

    def columns(self) -> dict[str, Any]:
        """The columns of notification_settings that change, with their new values."""
        stay_when_null = {"reminders", "weekly_report", "days"}
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        changed = {name: value for name, value in sent.items() if value is not None or name not in stay_when_null}
        if "quiet_hours" in changed:
            quiet = changed.pop("quiet_hours")
            changed |= {"quiet_start": quiet and quiet.start, "quiet_end": quiet and quiet.end}
        return changed


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
