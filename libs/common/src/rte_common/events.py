"""Every event that crosses NATS, and its subject; the capture trigger writes them (migrations/versions/).

A new optional field keeps `v1`. Anything else is a new class `...v2`, published beside the old one until its last
reader has moved. tests/contracts/ holds a sample of each version that must parse for ever.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

PREFIX = "rte.events."
SUBJECTS = f"{PREFIX}>"


class Row(BaseModel):
    """A row as Postgres' to_jsonb gives it. Readers ignore columns that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ExpectationRow(Row):
    """A member's expectation."""

    id: UUID
    team_id: str
    user_id: str
    title: str
    estimated_completion: datetime | None
    is_done: bool
    done_at: datetime | None
    archived_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class UserRow(Row):
    """A user, without the e-mail address: addresses never leave the table."""

    id: str
    name: str
    avatar_url: str | None
    timezone: str
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime


class MembershipRow(Row):
    """Membership of a user in a team."""

    team_id: str
    user_id: str
    role: Literal["admin", "member"]
    created_at: datetime
    updated_at: datetime


class Event(BaseModel):
    """A published fact: it never changes, and readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    occurred_at: datetime
    actor_id: str | None
    """User who changed the row; None for changes by the system or by hand."""
    team_id: str
    user_id: str


class _Inserted(Event):
    change: Literal["INSERT"]


class _Updated(Event):
    change: Literal["UPDATE"]


class _Deleted(Event):
    change: Literal["DELETE"]
    record: None = None


class ExpectationCreated(_Inserted):
    """A member published their current expectation."""

    type: Literal["expectation.created.v1"]
    table: Literal["expectations"]
    record: ExpectationRow
    old_record: None = None


class _ExpectationUpdate(_Updated):
    table: Literal["expectations"]
    record: ExpectationRow
    old_record: ExpectationRow


class ExpectationUpdated(_ExpectationUpdate):
    """Title or date of an expectation changed."""

    type: Literal["expectation.updated.v1"]


class ExpectationCompleted(_ExpectationUpdate):
    """An expectation is done, and history from now on."""

    type: Literal["expectation.completed.v1"]


class ExpectationReopened(_ExpectationUpdate):
    """The owner took back the completion a moment ago: the expectation is active again."""

    type: Literal["expectation.reopened.v1"]


class ExpectationArchived(_ExpectationUpdate):
    """A finished expectation grew old enough to leave the lists."""

    type: Literal["expectation.archived.v1"]


class ExpectationDeleted(_Deleted):
    """An expectation was withdrawn before it was done."""

    type: Literal["expectation.deleted.v1"]
    table: Literal["expectations"]
    old_record: ExpectationRow


class UserCreated(_Inserted):
    """Somebody signed up."""

    type: Literal["user.created.v1"]
    table: Literal["users"]
    record: UserRow
    old_record: None = None


class UserUpdated(_Updated):
    """Name, picture or time zone of a user changed. One event for each team of the user."""

    type: Literal["user.updated.v1"]
    table: Literal["users"]
    record: UserRow
    old_record: UserRow


class UserDeleted(_Updated):
    """The account was removed; the row stays as a tombstone, so this is an UPDATE that set `deleted_at`."""

    type: Literal["user.deleted.v1"]
    table: Literal["users"]
    record: UserRow
    old_record: UserRow


class MembershipCreated(_Inserted):
    """A user joined a team."""

    type: Literal["membership.created.v1"]
    table: Literal["memberships"]
    record: MembershipRow
    old_record: None = None


class MembershipUpdated(_Updated):
    """Role of a member changed."""

    type: Literal["membership.updated.v1"]
    table: Literal["memberships"]
    record: MembershipRow
    old_record: MembershipRow


class MembershipDeleted(_Deleted):
    """A user left a team: their access ends now."""

    type: Literal["membership.deleted.v1"]
    table: Literal["memberships"]
    old_record: MembershipRow


class SessionRevocationRow(Row):
    """End of a session before that of its tokens."""

    session_id: str
    user_id: str
    created_at: datetime


class SessionRevoked(_Inserted):
    """A member signed out, or was signed out: tokens of the session count no longer. One event for each team."""

    type: Literal["session.revoked.v1"]
    table: Literal["session_revocations"]
    record: SessionRevocationRow
    old_record: None = None


class ExportRow(Row):
    """A member's export, without the place of its file."""

    id: UUID
    team_id: str
    user_id: str
    format: Literal["csv", "json"]
    status: Literal["requested", "running", "ready", "failed"]
    progress: int
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ExportUpdated(_Updated):
    """A member's export is ready, or has failed. Steps on the way there are no events."""

    type: Literal["export.updated.v1"]
    table: Literal["exports"]
    record: ExportRow
    old_record: ExportRow


class ReportRow(Row):
    """A team's weekly report, without its figures."""

    id: UUID
    team_id: str
    starts_on: date
    ends_on: date
    created_at: datetime


class ReportCreated(_Inserted):
    """A team's week was put into figures. `user_id` is the report's own id: it is nobody's."""

    type: Literal["report.created.v1"]
    table: Literal["reports"]
    record: ReportRow
    old_record: None = None


class NotificationRow(Row):
    """What a member was told; title and estimate are those of the expectation then, None for `nothing-set`."""

    id: UUID
    team_id: str
    user_id: str
    kind: Literal["due-soon", "overdue", "nothing-set"]
    expectation_id: UUID | None
    title: str | None
    estimated_completion: datetime | None
    created_at: datetime


class NotificationCreated(_Inserted):
    """A member is reminded."""

    type: Literal["notification.created.v1"]
    table: Literal["notifications"]
    record: NotificationRow
    old_record: None = None


AnyEvent = Annotated[
    ExpectationCreated
    | ExpectationUpdated
    | ExpectationCompleted
    | ExpectationReopened
    | ExpectationArchived
    | ExpectationDeleted
    | UserCreated
    | UserUpdated
    | UserDeleted
    | MembershipCreated
    | MembershipUpdated
    | MembershipDeleted
    | SessionRevoked
    | ExportUpdated
    | ReportCreated
    | NotificationCreated,
    Field(discriminator="type"),
]

_ANY: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def parse(payload: bytes) -> AnyEvent:
    """The event in a message; raises pydantic's ValidationError for what no version describes."""
    return _ANY.validate_json(payload)


class NotAnEvent(ValueError):
    """Payload that is no event; the message names the places that are wrong, not what is there."""


class RawEvent(BaseModel):
    """Event of any type, whose rows stay as Postgres wrote them: for readers that pass them on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    occurred_at: datetime
    team_id: str
    user_id: str
    table: str
    change: Literal["INSERT", "UPDATE", "DELETE"]
    record: dict[str, Any] | None = None
    old_record: dict[str, Any] | None = None

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """The event in a message; raises NotAnEvent."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            places = [".".join(map(str, found["loc"])) or "payload" for found in error.errors(include_input=False)]
            raise NotAnEvent(f"not understood: {', '.join(places)}") from None


class Subject(NamedTuple):
    """Subject of an event on NATS: what happened to what, in which team, and to whom it belongs."""

    entity: str
    verb: str
    team_id: str
    user_id: str

    @classmethod
    def parse(cls, subject: str) -> Self:
        """The parts of a subject; raises ValueError for one that is no event's."""
        parts = subject.removeprefix(PREFIX).split(".", 3)
        if not subject.startswith(PREFIX) or len(parts) != 4:
            raise ValueError(f"{subject} is not {PREFIX}<entity>.<verb>.<team>.<user>")
        return cls(*parts)
