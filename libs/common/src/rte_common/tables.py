"""Every table as an SQLModel class: columns, keys, checks and indexes, and the one service that writes it.

The migrations make the tables, and what no class can say: triggers, policies and grants. `test_tables.py` holds the two
to each other. A docstring is the table's comment in the database. What the database fills in when a row is inserted has
the default None here, and a value in every row that was read.

Only a service that depends on `rte-common[tables]` may import this.
"""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NOW = {"server_default": text("now()")}
NEVER = {"server_default": text("'-infinity'")}
RANDOM_UUID = {"server_default": text("gen_random_uuid()")}
FALSE = {"server_default": text("false")}
TRUE = {"server_default": text("true")}
CLERK_ID = "id ~ '^[A-Za-z0-9_-]{1,64}$'"
NEWEST = text("created_at desc"), text("id desc")
LAST_DONE = text("done_at desc"), text("id desc")
IN_HISTORY = text("is_done and archived_at is null")
ARCHIVED = text("archived_at is not null")


class Team(SQLModel, table=True):
    """Writer: auth-sync. A Clerk organization, or the one team named default"""

    __tablename__ = "teams"
    __table_args__ = (CheckConstraint(CLERK_ID), {"comment": __doc__})

    id: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text)
    slug: str | None = Field(default=None, sa_type=Text)
    clerk_updated_at: datetime = Field(default=None, sa_column_kwargs=NEVER)
    deleted_at: datetime | None = None
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class User(SQLModel, table=True):
    """Writer: auth-sync; the member's own time zone: api"""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(CLERK_ID), {"comment": __doc__})

    id: str = Field(sa_type=Text, primary_key=True)
    email: str | None = Field(default=None, sa_type=Text)
    name: str = Field(sa_type=Text)
    avatar_url: str | None = Field(default=None, sa_type=Text)
    uploaded_avatar_url: str | None = Field(default=None, sa_type=Text)
    clerk_avatar_url: str | None = Field(default=None, sa_type=Text)
    timezone: str = Field(default=None, sa_type=Text, sa_column_kwargs={"server_default": text("'UTC'")})
    clerk_updated_at: datetime = Field(default=None, sa_column_kwargs=NEVER)
    deleted_at: datetime | None = None
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class Membership(SQLModel, table=True):
    """Writer: auth-sync. Who is in which team now"""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role in ('admin', 'member')"),
        Index("memberships_by_user", "user_id"),
        {"comment": __doc__},
    )

    team_id: str = Field(sa_type=Text, primary_key=True, foreign_key="teams.id")
    user_id: str = Field(sa_type=Text, primary_key=True, foreign_key="users.id")
    role: str = Field(sa_type=Text)
    clerk_updated_at: datetime = Field(default=None, sa_column_kwargs=NEVER)
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class MembershipTombstone(SQLModel, table=True):
    """Writer: auth-sync. Ended memberships: a late webhook must not bring one back"""

    __tablename__ = "membership_tombstones"
    __table_args__ = ({"comment": __doc__},)

    team_id: str = Field(sa_type=Text, primary_key=True)
    user_id: str = Field(sa_type=Text, primary_key=True)
    deleted_at: datetime


class Expectation(SQLModel, table=True):
    """Writer: api; archived_at: jobs; auth-sync withdraws what those who left were on"""

    __tablename__ = "expectations"
    __table_args__ = (
        CheckConstraint("char_length(title) between 1 and 500", name="title_length"),
        CheckConstraint("is_done = (done_at is not null)", name="done_has_time"),
        CheckConstraint("done_at >= created_at", name="done_after_created"),
        CheckConstraint("archived_at is null or is_done", name="archived_is_done"),
        Index("one_active_expectation", "team_id", "user_id", unique=True, postgresql_where=text("not is_done")),
        Index("expectations_active", "team_id", *NEWEST, postgresql_where=text("not is_done")),
        Index("expectations_history", "team_id", *LAST_DONE, postgresql_where=IN_HISTORY),
        Index("expectations_history_by_user", "team_id", "user_id", *LAST_DONE, postgresql_where=IN_HISTORY),
        Index("expectations_archived", "team_id", *LAST_DONE, postgresql_where=text("archived_at > '-infinity'")),
        Index("expectations_archived_by_user", "team_id", "user_id", *LAST_DONE, postgresql_where=ARCHIVED),
        Index("expectations_all", "team_id", *NEWEST),
        Index("expectations_all_by_user", "team_id", "user_id", *NEWEST),
        Index("expectations_to_archive", "done_at", postgresql_where=IN_HISTORY),
        {"comment": __doc__},
    )

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs=RANDOM_UUID)
    team_id: str = Field(sa_type=Text, foreign_key="teams.id")
    user_id: str = Field(sa_type=Text, foreign_key="users.id")
    title: str = Field(sa_type=Text)
    estimated_completion: datetime | None = None
    is_done: bool = Field(default=None, sa_column_kwargs=FALSE)
    done_at: datetime | None = None
    archived_at: datetime | None = None
    version: int = Field(default=None, sa_column_kwargs={"server_default": text("1")})
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class SessionRevocation(SQLModel, table=True):
    """Writer: auth-sync. Sessions that ended before their tokens did"""

    __tablename__ = "session_revocations"
    __table_args__ = (Index("session_revocations_by_age", "created_at"), {"comment": __doc__})

    session_id: str = Field(sa_type=Text, primary_key=True)
    user_id: str = Field(sa_type=Text, foreign_key="users.id")
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class OutboxEvent(SQLModel, table=True):
    """Writer: the capture trigger. Emptied by the relay of any service"""

    __tablename__ = "outbox"
    __table_args__ = ({"comment": __doc__},)

    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    event_id: UUID
    subject: str = Field(sa_type=Text)
    payload: dict[str, Any] = Field(sa_type=JSONB)
    headers: dict[str, str] = Field(default=None, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")})
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class JobRun(SQLModel, table=True):
    """Writer: jobs. A row claims that a job did its work for a slot"""

    __tablename__ = "job_runs"
    __table_args__ = ({"comment": __doc__},)

    job: str = Field(sa_type=Text, primary_key=True)
    slot: datetime = Field(primary_key=True)
    claimed_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class IdempotencyKey(SQLModel, table=True):
    """Writer: api; upkeep: jobs. What a request with an Idempotency-Key was answered, for 24 hours"""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("char_length(key) between 1 and 255"),
        Index("idempotency_keys_by_age", "created_at"),
        {"comment": __doc__},
    )

    team_id: str = Field(sa_type=Text, primary_key=True, foreign_key="teams.id")
    user_id: str = Field(sa_type=Text, primary_key=True, foreign_key="users.id")
    key: str = Field(sa_type=Text, primary_key=True)
    request: bytes
    body: bytes | None = None
    location: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class NotificationSettings(SQLModel, table=True):
    """Writer: api. What a member wants to be told, and when, in their time zone; no row: the defaults"""

    __tablename__ = "notification_settings"
    __table_args__ = (
        CheckConstraint("remind_before_minutes between 1 and 1440"),
        CheckConstraint("(quiet_start is null) = (quiet_end is null)", name="quiet_hours_have_both_ends"),
        CheckConstraint("quiet_start <> quiet_end", name="quiet_hours_end"),
        CheckConstraint("days <@ '{mon,tue,wed,thu,fri,sat,sun}' and days <> '{}'", name="days_of_the_week"),
        {"comment": __doc__},
    )

    user_id: str = Field(sa_type=Text, primary_key=True, foreign_key="users.id")
    reminders: bool = Field(default=None, sa_column_kwargs=TRUE)
    weekly_report: bool = Field(default=None, sa_column_kwargs=TRUE)
    remind_before_minutes: int | None = Field(
        default=None, sa_type=SmallInteger, sa_column_kwargs={"server_default": text("30")}
    )
    quiet_start: time | None = None
    quiet_end: time | None = None
    days: list[str] = Field(
        default=None, sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{mon,tue,wed,thu,fri}'")}
    )
    nothing_set_at: time | None = Field(default=None, sa_column_kwargs={"server_default": text("'10:00'")})
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class Notification(SQLModel, table=True):
    """Writer: jobs; read_at: api. What a member was told; title and estimate are as they were then"""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("kind in ('due-soon', 'overdue', 'nothing-set')"),
        CheckConstraint(
            "case when kind = 'nothing-set' then day is not null and title is null else title is not null end",
            name="notification_has_subject",
        ),
        UniqueConstraint("expectation_id", "user_id", "kind", name="told_once_of_an_expectation"),
        UniqueConstraint("user_id", "team_id", "kind", "day", name="told_once_a_day"),
        Index("notifications_by_user", "team_id", "user_id", *NEWEST),
        Index("notifications_unread", "team_id", "user_id", postgresql_where=text("read_at is null")),
        Index("notifications_by_age", "created_at"),
        {"comment": __doc__},
    )

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs=RANDOM_UUID)
    team_id: str = Field(sa_type=Text, foreign_key="teams.id")
    user_id: str = Field(sa_type=Text, foreign_key="users.id")
    kind: str = Field(sa_type=Text)
    expectation_id: UUID | None = Field(default=None, foreign_key="expectations.id", ondelete="SET NULL")
    title: str | None = Field(default=None, sa_type=Text)
    estimated_completion: datetime | None = None
    day: date | None = None
    """The member's day on which nothing was set; None for the other kinds."""
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    read_at: datetime | None = None


class Export(SQLModel, table=True):
    """Writer: api asks, jobs makes. A member's own data; object_path is in the bucket exports"""

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("format in ('csv', 'json')"),
        CheckConstraint("status in ('requested', 'running', 'ready', 'failed')"),
        CheckConstraint("progress between 0 and 100"),
        CheckConstraint("(status = 'ready') = (object_path is not null)", name="ready_has_object"),
        CheckConstraint("(status in ('ready', 'failed')) = (finished_at is not null)", name="ended_has_time"),
        Index(
            *("one_export_at_a_time", "team_id", "user_id"),
            unique=True,
            postgresql_where=text("status in ('requested', 'running')"),
        ),
        Index("exports_by_user", "team_id", "user_id", *NEWEST),
        {"comment": __doc__},
    )

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs=RANDOM_UUID)
    team_id: str = Field(sa_type=Text, foreign_key="teams.id")
    user_id: str = Field(sa_type=Text, foreign_key="users.id")
    format: str = Field(sa_type=Text)
    status: str = Field(default=None, sa_type=Text, sa_column_kwargs={"server_default": text("'requested'")})
    progress: int = Field(default=None, sa_type=SmallInteger, sa_column_kwargs={"server_default": text("0")})
    object_path: str | None = Field(default=None, sa_type=Text)
    finished_at: datetime | None = None
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
    updated_at: datetime = Field(default=None, sa_column_kwargs=NOW)


class Report(SQLModel, table=True):
    """Writer: jobs. A team's week in figures; both days belong to it"""

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="report_has_days"),
        UniqueConstraint("team_id", "starts_on", name="one_report_per_week"),
        {"comment": __doc__},
    )

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs=RANDOM_UUID)
    team_id: str = Field(sa_type=Text, foreign_key="teams.id")
    starts_on: date
    ends_on: date
    figures: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(default=None, sa_column_kwargs=NOW)
