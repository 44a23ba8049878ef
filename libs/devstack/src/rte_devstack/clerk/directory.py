"""Who exists: users, organizations, memberships and sessions, kept on disk; each change is told to `publish`."""

from collections.abc import Callable
from pathlib import Path

from rte_devstack.clerk import objects
from rte_devstack.clerk.errors import ClerkError, not_found
from rte_devstack.clerk.objects import AvatarOf, JsonObject
from rte_devstack.clerk.tokens import ActiveOrganization
from rte_devstack.json_files import read_json, write_json

Publish = Callable[[str, JsonObject], None]
"""Takes an event type and its data, as a webhook carries them."""
MINUTE_MS = 60_000
NAMED = 8
"""Users that an error names; the demo has six, a load test may have thousands."""


class Directory:
    """The instance's objects. Every method that changes one saves before it publishes."""

    def __init__(self, folder: Path, publish: Publish, avatar_of: AvatarOf) -> None:
        self._file = folder / "directory.json"
        self._publish = publish
        self._avatar_of = avatar_of
        kept = read_json(self._file, {})
        self.users: dict[str, JsonObject] = kept.get("users", {})
        self.organizations: dict[str, JsonObject] = kept.get("organizations", {})
        self.memberships: dict[str, JsonObject] = kept.get("memberships", {})
        self.sessions: dict[str, JsonObject] = kept.get("sessions", {})
        self._second_factors: dict[str, int] = kept.get("second_factors", {})
        """When a session's second factor was last verified, in milliseconds: no part of what Clerk shows of it."""

    def user(self, id: str) -> JsonObject:
        """Return a user; 404 when there is none."""
        if id not in self.users:
            raise not_found("user", id)
        return self.users[id]

    def find_user(self, who: str) -> JsonObject:
        """Return the user with this id, e-mail address, user name or first name, in any case of letters."""
        if who in self.users:
            return self.users[who]
        for user in self.users.values():
            names = (objects.primary_email(user), user["username"], user["first_name"])
            if who.casefold() in {name.casefold() for name in names if name}:
                return user
        raise ClerkError(404, "resource_not_found", f"No user was found with id {who}.{self._who_exists()}")

    def create_user(self, new: objects.NewUser) -> JsonObject:
        """Add a user; 422 when the id or the e-mail address is taken."""
        self._claim_identity(new.id, new.email_address)
        user = objects.user(new, self._avatar_of)
        self.users[user["id"]] = user
        self._changed("user.created", user)
        return user

    def change_user(self, id: str, fields: objects.UserFields) -> JsonObject:
        """Change the fields that were set."""
        user = self.user(id)
        if fields.email_address != objects.primary_email(user):
            self._claim_identity(None, fields.email_address)
        self.users[id] = objects.changed_user(user, fields, self._avatar_of)
        self._changed("user.updated", self.users[id])
        return self.users[id]

    def delete_user(self, id: str) -> None:
        """Remove a user with memberships and sessions.

        Only `user.deleted` is published: receivers must not count on a membership event for each.
        """
        self.user(id)
        del self.users[id]
        self.memberships = {key: each for key, each in self.memberships.items() if each["user_id"] != id}
        self.sessions = {key: each for key, each in self.sessions.items() if each["user_id"] != id}
        self._changed("user.deleted", objects.deleted("user", id))

    def organization(self, id: str) -> JsonObject:
        """Return an organization with its count of members, by id or slug; 404 when there is none."""
        found = self.organizations.get(id) or next((o for o in self.organizations.values() if o["slug"] == id), None)
        if found is None:
            raise not_found("organization", id)
        count = sum(each["organization_id"] == found["id"] for each in self.memberships.values())
        return found | {"members_count": count}

    def create_organization(self, new: objects.NewOrganization) -> JsonObject:
        """Add an organization without members; 422 when the id or the slug is taken."""
        if new.id in self.organizations or any(o["slug"] == new.slug for o in self.organizations.values()):
            raise ClerkError(422, "form_identifier_exists", "That organization id or slug is taken.")
        made = objects.organization(new, self._avatar_of)
        self.organizations[made["id"]] = made
        self._changed("organization.created", self.organization(made["id"]))
        return self.organization(made["id"])

    def change_organization(self, id: str, fields: objects.OrganizationFields) -> JsonObject:
        """Change the fields that were set."""
        id = self.organization(id)["id"]
        self.organizations[id] = objects.changed_organization(self.organizations[id], fields)
        self._changed("organization.updated", self.organization(id))
        return self.organization(id)

    def delete_organization(self, id: str) -> None:
        """Remove an organization with its memberships; only `organization.deleted` is published."""
        id = self.organization(id)["id"]
        del self.organizations[id]
        self.memberships = {key: each for key, each in self.memberships.items() if each["organization_id"] != id}
        self._changed("organization.deleted", objects.deleted("organization", id))

    def create_membership(self, new: objects.NewMembership) -> JsonObject:
        """Let a user join an organization; 422 when already in it."""
        self.user(new.user_id)
        organization_id = self.organization(new.organization_id)["id"]
        if any(m["user_id"] == new.user_id and m["organization_id"] == organization_id for m in self._memberships()):
            raise ClerkError(422, "already_a_member_in_organization", f"{new.user_id} is already a member.")
        made = objects.membership(new.model_copy(update={"organization_id": organization_id}))
        self.memberships[made["id"]] = made
        view = self.membership_view(made)
        self._changed("organizationMembership.created", view)
        return view

    def change_membership(self, id: str, role: str) -> JsonObject:
        """Give a member another role."""
        self.memberships[id] = objects.changed_membership(self._membership(id), role)
        view = self.membership_view(self.memberships[id])
        self._changed("organizationMembership.updated", view)
        return view

    def delete_membership(self, id: str) -> None:
        """Take a user out of an organization; the event carries the whole membership, as Clerk's does."""
        gone = objects.changed_membership(self._membership(id), self._membership(id)["role"])
        del self.memberships[id]
        self._changed("organizationMembership.deleted", self.membership_view(gone))

    def membership_view(self, membership: JsonObject) -> JsonObject:
        """Return a kept membership as Clerk shows it."""
        organization = self.organization(membership["organization_id"])
        return objects.membership_view(membership, organization, self.user(membership["user_id"]))

    def active_organization(self, user_id: str, wanted: str | None) -> ActiveOrganization:
        """Return the organization a session of this user acts in: the one with this id or slug, else the first joined.

        403 when the user is not a member of it, or of none.
        """
        organization_id = self.organization(wanted)["id"] if wanted else None
        for membership in self._memberships():
            if membership["user_id"] == user_id and organization_id in (None, membership["organization_id"]):
                organization = self.organizations[membership["organization_id"]]
                role = membership["role"].removeprefix("org:")
                return ActiveOrganization(organization["id"], organization["slug"], role)
        raise ClerkError(403, "not_a_member_in_organization", f"{user_id} is not a member of {wanted or 'any'}.")

    def create_session(self, user_id: str, organization: ActiveOrganization | None) -> JsonObject:
        """Sign a user in."""
        user = self.user(user_id)
        session = objects.session(user_id, organization.id if organization else None)
        self.sessions[session["id"]] = session
        self._changed("session.created", session | {"user": user})
        return session

    def session(self, id: str) -> JsonObject:
        """Return a session that is active; 404 when there is none."""
        if id not in self.sessions:
            raise not_found("session", id)
        return self.sessions[id]

    def verify_second_factor(self, id: str) -> None:
        """Note that the session's second factor was verified now, as a step-up does; 404 when there is no session."""
        self._second_factors[self.session(id)["id"]] = objects.now_ms()
        self._save()

    def factor_ages(self, id: str) -> list[int]:
        """Return the claim `fva`: whole minutes since first and second factor were verified; -1 means never."""
        verified = (self.session(id)["created_at"], self._second_factors.get(id))
        return [-1 if at is None else (objects.now_ms() - at) // MINUTE_MS for at in verified]

    def remove_session(self, id: str) -> None:
        """Sign out, as the member does; the session's last token stays valid for up to a minute."""
        ended = objects.ended_session(self.session(id), "removed")
        del self.sessions[id]
        self._changed("session.removed", ended | {"user": self.user(ended["user_id"])})

    def renew_avatars(self) -> None:
        """Tell the new address of every generated picture, when the stand-in listens on another port than before."""
        for id, user in self.users.items():
            self.users[id] = objects.with_avatar(user, self._avatar_of)
            if self.users[id] is not user:
                self._changed("user.updated", self.users[id])
        for id, organization in self.organizations.items():
            self.organizations[id] = objects.with_avatar(organization, self._avatar_of)
            if self.organizations[id] is not organization:
                self._changed("organization.updated", self.organization(id))

    def _who_exists(self) -> str:
        names = [str(user["first_name"]).lower() for user in self.users.values() if user["first_name"]]
        return f" There are {', '.join(names[:NAMED])}{' and others' if names[NAMED:] else ''}." if names else ""

    def _membership(self, id: str) -> JsonObject:
        if id not in self.memberships:
            raise not_found("membership", id)
        return self.memberships[id]

    def _memberships(self) -> list[JsonObject]:
        return sorted(self.memberships.values(), key=lambda each: each["created_at"])

    def _claim_identity(self, id: str | None, email: str | None) -> None:
        taken = email is not None and any(objects.primary_email(user) == email for user in self.users.values())
        if taken or id in self.users:
            raise ClerkError(422, "form_identifier_exists", "That id or e-mail address is taken. Please try another.")

    def _changed(self, event: str, data: JsonObject) -> None:
        self._save()
        self._publish(event, data)

    def _save(self) -> None:
        self._second_factors = {id: at for id, at in self._second_factors.items() if id in self.sessions}
        kept = {"users": self.users, "organizations": self.organizations, "memberships": self.memberships}
        write_json(self._file, kept | {"sessions": self.sessions, "second_factors": self._second_factors})
