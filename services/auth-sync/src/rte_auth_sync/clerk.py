"""Clerk's webhook payloads, as far as we read them (Clerk's webhook schema 2025-04-15)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from rte_common.visible_text import shows_something, without_overrides


def _moment(value: object) -> object:
    """Clerk's times are integer milliseconds; examples in its schema show seconds, so small numbers are those."""
    if isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError("no time between the years 1 and 9999") from error
    return value


def _readable(value: object) -> object:
    return without_overrides(value.replace("\0", ""))[:MAX_NAME] if isinstance(value, str) else value


def _web_address(value: object) -> object:
    return value if isinstance(value, str) and len(value) <= MAX_ADDRESS else None


MAX_NAME = 200
"""Characters that are kept of a name: the rest says nothing more to anybody."""
MAX_ADDRESS = 2048
Moment = Annotated[datetime, BeforeValidator(_moment)]
Name = Annotated[str, BeforeValidator(_readable)]
Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]


class EmailAddress(BaseModel):
    """One address of a user."""

    id: str
    email_address: str


class Person(BaseModel):
    """What a user and a membership's `public_user_data` have in common."""

    first_name: Name | None = None
    last_name: Name | None = None
    username: Name | None = None
    image_url: Annotated[str | None, BeforeValidator(_web_address)] = None

    @property
    def name(self) -> str:
        """What the team calls them. Never the e-mail address: everybody in the team sees this."""
        names = " ".join(filter(None, (self.first_name, self.last_name))), self.username
        return next((name.strip() for name in names if name and shows_something(name)), "Somebody")


class User(Person):
    """`data` of user.created and user.updated."""

    id: Id
    email_addresses: list[EmailAddress] = []
    primary_email_address_id: str | None = None
    public_metadata: dict[str, Any] = {}
    updated_at: Moment

    @property
    def email(self) -> str | None:
        """The primary address; who signed up by phone or wallet has none."""
        return next((e.email_address for e in self.email_addresses if e.id == self.primary_email_address_id), None)


class PublicUserData(Person):
    """The user of a membership."""

    user_id: Id


class Organization(BaseModel):
    """`data` of organization.created and organization.updated."""

    id: Id
    name: Name
    slug: Name | None = None
    updated_at: Moment


class Membership(BaseModel):
    """`data` of organizationMembership.*: who, where, and as what."""

    organization: Organization
    public_user_data: PublicUserData
    role: str
    updated_at: Moment


class Session(BaseModel):
    """`data` of session.*; the rest of it is personal and not read."""

    id: Id
    user_id: Id


class Deleted(BaseModel):
    """`data` of user.deleted and organization.deleted."""

    id: Id


class _Message(BaseModel):
    timestamp: Moment


class UserChanged(_Message):
    """A user was made or changed."""

    type: Literal["user.created", "user.updated"]
    data: User


class UserDeleted(_Message):
    """A user is gone."""

    type: Literal["user.deleted"]
    data: Deleted


class OrganizationChanged(_Message):
    """An organization was made or changed."""

    type: Literal["organization.created", "organization.updated"]
    data: Organization


class OrganizationDeleted(_Message):
    """An organization is gone, with its memberships."""

    type: Literal["organization.deleted"]
    data: Deleted


class MembershipChanged(_Message):
    """Somebody joined, or has another role."""

    type: Literal["organizationMembership.created", "organizationMembership.updated"]
    data: Membership


class MembershipDeleted(_Message):
    """Somebody left."""

    type: Literal["organizationMembership.deleted"]
    data: Membership


class SessionEnded(_Message):
    """A session is over, though tokens of it may live for up to a minute."""

    type: Literal["session.ended", "session.removed", "session.revoked"]
    data: Session


Message = Annotated[
    UserChanged
    | UserDeleted
    | OrganizationChanged
    | OrganizationDeleted
    | MembershipChanged
    | MembershipDeleted
    | SessionEnded,
    Field(discriminator="type"),
]

SUBSCRIBED = frozenset(
    {
        *("user.created", "user.updated", "user.deleted"),
        *("organization.created", "organization.updated", "organization.deleted"),
        *(f"organizationMembership.{verb}" for verb in ("created", "updated", "deleted")),
        *("session.ended", "session.removed", "session.revoked"),
    }
)
"""Event types that change something here; others (email.created carries one-time codes) are answered and dropped."""
