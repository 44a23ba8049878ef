"""Users, organizations, memberships and sessions as Clerk writes them in webhooks and in the Backend API.

Field for field the shapes of Clerk's webhook schema; every time is in integer milliseconds.
"""

import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rte_devstack.clerk.tokens import new_id

JsonObject = dict[str, Any]
AvatarOf = Callable[[str], str]
"""Gives the address of the picture that stands for a user or an organization without an own one, by its id."""

DAY_MS = 86_400_000
SESSION_MS = 7 * DAY_MS
ABANDON_MS = 30 * DAY_MS
ROLE_NAMES = {"org:admin": "Admin", "org:member": "Member"}
PERMISSIONS = {
    "org:admin": ["org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:manage"],
    "org:member": ["org:sys_memberships:read"],
}


class UserFields(BaseModel):
    """What may be said about a user, at creation or as a change; a field left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    email_address: str | None = Field(None, description="the primary one; null: a user without e-mail")
    image_url: str | None = None
    locale: str | None = "en"
    external_id: str | None = None
    banned: bool = False
    public_metadata: JsonObject = {}
    private_metadata: JsonObject = {}
    unsafe_metadata: JsonObject = {}


class NewUser(UserFields):
    """A user to create, with an id of one's own if wanted."""

    id: str | None = Field(None, pattern=r"^user_[0-9A-Za-z]{27}$")


class OrganizationFields(BaseModel):
    """What may be said about an organization, at creation or as a change."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    slug: str = ""
    public_metadata: JsonObject = {}
    private_metadata: JsonObject = {}


class NewOrganization(OrganizationFields):
    """An organization to create."""

    id: str | None = Field(None, pattern=r"^org_[0-9A-Za-z]{27}$")
    name: str = Field(min_length=1)
    slug: str = Field(pattern=r"^[a-z0-9-]+$")
    created_by: str = ""


class NewMembership(BaseModel):
    """Who joins which organization, as what."""

    model_config = ConfigDict(extra="forbid")

    organization_id: str
    user_id: str
    role: Literal["org:admin", "org:member"] = "org:member"


class MembershipFields(BaseModel):
    """A change of a membership."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["org:admin", "org:member"]


def now_ms() -> int:
    """Return the time as Clerk writes it: integer milliseconds."""
    return time.time_ns() // 1_000_000


def user(new: NewUser, avatar_of: AvatarOf) -> JsonObject:
    """Make the user object; the shape of `user.created`."""
    now = now_ms()
    id = new.id or new_id("user")
    made: JsonObject = {
        "backup_code_enabled": False,
        "banned": False,
        "create_organization_enabled": True,
        "create_organizations_limit": None,
        "created_at": now,
        "delete_self_enabled": True,
        "email_addresses": [],
        "enterprise_accounts": [],
        "external_accounts": [],
        "has_image": False,
        "id": id,
        "image_url": avatar_of(id),
        "last_active_at": now,
        "last_sign_in_at": None,
        "legal_accepted_at": None,
        "locked": False,
        "lockout_expires_in_seconds": None,
        "mfa_disabled_at": None,
        "mfa_enabled_at": None,
        "object": "user",
        "passkeys": [],
        "password_enabled": True,
        "phone_numbers": [],
        "primary_email_address_id": None,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "profile_image_url": avatar_of(id),
        "saml_accounts": [],
        "totp_enabled": False,
        "two_factor_enabled": False,
        "updated_at": now,
        "username": None,
        "verification_attempts_remaining": 100,
        "web3_wallets": [],
    }
    return changed_user(made, new, avatar_of, all_fields=True) | {"updated_at": now}


def changed_user(user: JsonObject, fields: UserFields, avatar_of: AvatarOf, *, all_fields: bool = False) -> JsonObject:
    """Return `user` with the fields that were set, or with all of them, and a later `updated_at`."""
    said = fields.model_dump(exclude={"id"}, exclude_unset=not all_fields)
    changed = user | {"updated_at": _later(user)}
    if "email_address" in said:
        address = said.pop("email_address")
        emails = [] if address is None else [_email(address, changed["updated_at"])]
        changed |= {"email_addresses": emails, "primary_email_address_id": emails[0]["id"] if emails else None}
    if "image_url" in said:
        image = said.pop("image_url")
        changed |= {"image_url": image or avatar_of(user["id"]), "has_image": image is not None}
    return changed | said


def with_avatar(thing: JsonObject, avatar_of: AvatarOf) -> JsonObject:
    """Return a user or organization without an own picture as it is when `avatar_of` has another address for it."""
    images = {name: avatar_of(thing["id"]) for name in ("image_url", "profile_image_url") if name in thing}
    if thing["has_image"] or thing == thing | images:
        return thing
    return thing | images | {"updated_at": _later(thing)}


def _email(address: str, now: int) -> JsonObject:
    return {
        "created_at": now,
        "email_address": address,
        "id": new_id("idn"),
        "linked_to": [],
        "matches_sso_connection": False,
        "object": "email_address",
        "reserved": False,
        "updated_at": now,
        "verification": {
            "object": "verification_otp",
            "status": "verified",
            "strategy": "email_code",
            "attempts": 1,
            "expire_at": now + 600_000,
        },
    }


def primary_email(user: JsonObject) -> str | None:
    """Return the address whose id the user names as primary, if there is one."""
    wanted = user["primary_email_address_id"]
    return next((email["email_address"] for email in user["email_addresses"] if email["id"] == wanted), None)


def full_name(user: JsonObject) -> str:
    """Return first and last name, or what else the user is called by."""
    names = [name for name in (user["first_name"], user["last_name"]) if name]
    return " ".join(names) or user["username"] or primary_email(user) or user["id"]


def organization(new: NewOrganization, avatar_of: AvatarOf) -> JsonObject:
    """Make the organization object; the shape of `organization.created`, without `members_count`."""
    now = now_ms()
    id = new.id or new_id("org")
    return {
        "admin_delete_enabled": True,
        "created_at": now,
        "created_by": new.created_by,
        "has_image": False,
        "id": id,
        "image_url": avatar_of(id),
        "max_allowed_memberships": 25,
        "name": new.name,
        "object": "organization",
        "pending_invitations_count": 0,
        "private_metadata": new.private_metadata,
        "public_metadata": new.public_metadata,
        "slug": new.slug,
        "updated_at": now,
    }


def changed_organization(organization: JsonObject, fields: OrganizationFields) -> JsonObject:
    """Return `organization` with the fields that were set, and a later `updated_at`."""
    return organization | fields.model_dump(exclude_unset=True) | {"updated_at": _later(organization)}


def membership(new: NewMembership) -> JsonObject:
    """Make a membership as it is kept: by ids. `membership_view` makes it what Clerk shows."""
    now = now_ms()
    return new.model_dump() | {"id": new_id("orgmem"), "created_at": now, "updated_at": now}


def changed_membership(membership: JsonObject, role: str) -> JsonObject:
    """Return `membership` with another role and a later `updated_at`."""
    return membership | {"role": role, "updated_at": _later(membership)}


def membership_view(membership: JsonObject, organization: JsonObject, user: JsonObject) -> JsonObject:
    """Return the membership object; the shape of `organizationMembership.*`, the deleted one included."""
    public = {
        name: user[name]
        for name in ("banned", "first_name", "has_image", "image_url", "last_name", "profile_image_url", "username")
    }
    return {
        "created_at": membership["created_at"],
        "id": membership["id"],
        "object": "organization_membership",
        "organization": organization,
        "permissions": PERMISSIONS[membership["role"]],
        "private_metadata": {},
        "public_metadata": {},
        "public_user_data": public | {"identifier": primary_email(user), "user_id": user["id"]},
        "role": membership["role"],
        "role_name": ROLE_NAMES[membership["role"]],
        "updated_at": membership["updated_at"],
    }


def session(user_id: str, organization_id: str | None) -> JsonObject:
    """Make a session that is active for a week; the shape of `session.created`, without `user`."""
    now = now_ms()
    return {
        "abandon_at": now + ABANDON_MS,
        "actor": None,
        "client_id": new_id("client"),
        "created_at": now,
        "expire_at": now + SESSION_MS,
        "id": new_id("sess"),
        "last_active_at": now,
        "last_active_organization_id": organization_id,
        "object": "session",
        "status": "active",
        "updated_at": now,
        "user_id": user_id,
    }


def ended_session(session: JsonObject, status: str) -> JsonObject:
    """Return `session` with the status it ended with."""
    return session | {"status": status, "updated_at": _later(session)}


def deleted(kind: Literal["user", "organization"], id: str) -> JsonObject:
    """Make what a `.deleted` event carries: no `updated_at`, hardly anything."""
    return {"deleted": True, "id": id, "object": kind}


def _later(thing: JsonObject) -> int:
    # Two changes in one millisecond must still be ordered: receivers compare updated_at.
    return max(now_ms(), int(thing["updated_at"]) + 1)
