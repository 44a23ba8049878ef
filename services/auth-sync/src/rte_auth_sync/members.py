"""What each message of Clerk changes here. Messages come late, twice and in any order; the newest state wins.

Clerk's `updated_at` decides which of two states of an object is newer; deletions have none, there the message's own
time counts and a tombstone stays, so that a late update does not bring anybody back.
"""

from datetime import datetime

import structlog
from asyncpg import DataError
from nats.aio.msg import Msg
from pydantic import TypeAdapter, ValidationError

from rte_auth_sync import clerk
from rte_common.auth import DEFAULT_TEAM, role_of
from rte_common.database import Connection, Database
from rte_common.jetstream import Poison
from rte_common.settings import TeamMode

log = structlog.get_logger(__name__)

_MESSAGE: TypeAdapter[clerk.Message] = TypeAdapter(clerk.Message)


class Sync:
    """Consumer of Clerk's messages, which applies them to the database; idempotent."""

    def __init__(self, database: Database, mode: TeamMode) -> None:
        self._database = database
        self._mode = mode

    async def handle(self, message: Msg) -> None:
        """Apply one stored webhook; Poison if no version of ours can read it."""
        try:
            event = _MESSAGE.validate_json(message.data)
        except ValidationError as error:
            # The input itself is personal data: only the places that are wrong are told.
            places = [".".join(map(str, e["loc"])) for e in error.errors(include_input=False)]
            raise Poison(f"not understood: {', '.join(places)}") from None
        try:
            await self.apply(event)
        except DataError as error:  # its text may be quoted in the message
            raise Poison(f"no database keeps this: {type(error).__name__}") from None
        log.info("clerk_event_applied", type=event.type, object_id=_object_id(event))

    async def apply(self, event: clerk.Message) -> None:
        """Make the database say what `event` says, unless it knows better already."""
        async with self._database.as_service() as connection:
            match event:
                case clerk.UserChanged(data=user):
                    await self._user_changed(connection, user)
                case clerk.UserDeleted(data=gone, timestamp=at):
                    await _user_deleted(connection, gone.id, at)
                case clerk.SessionEnded(data=session):
                    await _session_ended(connection, session)
                case _ if self._mode is TeamMode.SINGLE:
                    return  # everybody is in the one team, whatever organizations there are
                case clerk.OrganizationChanged(data=organization):
                    await _team_changed(connection, organization)
                case clerk.OrganizationDeleted(data=gone, timestamp=at):
                    await _team_deleted(connection, gone.id, at)
                case clerk.MembershipChanged(data=membership):
                    await _membership_changed(connection, membership)
                case clerk.MembershipDeleted(data=membership, timestamp=at):
                    await _team_changed(connection, membership.organization)
                    await _left(connection, membership.organization.id, membership.public_user_data.user_id, at)

    async def _user_changed(self, connection: Connection, user: clerk.User) -> None:
        await _lock(connection, user.id)
        current = await connection.fetchval(
            """
            insert into users (id, email, name, avatar_url, clerk_updated_at) values ($1, $2, $3, $4, $5)
            on conflict (id) do update set email = excluded.email, name = excluded.name,
                avatar_url = excluded.avatar_url, clerk_updated_at = excluded.clerk_updated_at
            where users.deleted_at is null and users.clerk_updated_at < excluded.clerk_updated_at
            returning id
            """,
            *(user.id, user.email, user.name, user.image_url, user.updated_at),
        )
        if current and self._mode is TeamMode.SINGLE:
            role = role_of(user.public_metadata.get("role"))
            await _join(connection, DEFAULT_TEAM, user.id, role, user.updated_at)


async def _user_deleted(connection: Connection, user_id: str, at: datetime) -> None:
    """Keep a nameless tombstone: history shows that somebody did it."""
    await _lock(connection, user_id)
    # The row first: its event goes to the teams that the user is still in.
    await connection.execute(
        """
        insert into users (id, name, clerk_updated_at, deleted_at) values ($1, 'Former member', $2, $2)
        on conflict (id) do update set email = null, name = excluded.name, avatar_url = null,
            clerk_updated_at = excluded.clerk_updated_at, deleted_at = excluded.deleted_at
        where users.deleted_at is null
        """,
        *(user_id, at),
    )
    for team in await connection.fetch("select team_id from memberships where user_id = $1", user_id):
        await _leave(connection, team["team_id"], user_id, at)


async def _session_ended(connection: Connection, session: clerk.Session) -> None:
    await _stub_user(connection, session.user_id, clerk.Person())
    await connection.execute(
        "insert into session_revocations (session_id, user_id) values ($1, $2) on conflict do nothing",
        *(session.id, session.user_id),
    )


async def _team_changed(connection: Connection, organization: clerk.Organization) -> None:
    await connection.execute(
        """
        insert into teams (id, name, slug, clerk_updated_at) values ($1, $2, $3, $4)
        on conflict (id) do update set name = excluded.name, slug = excluded.slug,
            clerk_updated_at = excluded.clerk_updated_at
        where teams.deleted_at is null and teams.clerk_updated_at < excluded.clerk_updated_at
        """,
        *(organization.id, organization.name, organization.slug, organization.updated_at),
    )


async def _team_deleted(connection: Connection, team_id: str, at: datetime) -> None:
    await connection.execute(
        """
        insert into teams (id, name, clerk_updated_at, deleted_at) values ($1, 'Former team', $2, $2)
        on conflict (id) do update set clerk_updated_at = excluded.clerk_updated_at, deleted_at = excluded.deleted_at
        """,
        *(team_id, at),
    )
    for member in await connection.fetch(
        "select user_id from memberships where team_id = $1 order by user_id", team_id
    ):
        await _lock(connection, member["user_id"])
        await _leave(connection, team_id, member["user_id"], at)


async def _membership_changed(connection: Connection, membership: clerk.Membership) -> None:
    """Someone joined. The message may come before the user's and the team's own: then they are made from this one."""
    user, organization = membership.public_user_data, membership.organization
    await _lock(connection, user.user_id)
    await _team_changed(connection, organization)
    await _stub_user(connection, user.user_id, user)
    await _join(connection, organization.id, user.user_id, role_of(membership.role), membership.updated_at)


async def _stub_user(connection: Connection, user_id: str, person: clerk.Person) -> None:
    """A user until Clerk's own message comes, which is newer than the default of clerk_updated_at."""
    await connection.execute(
        "insert into users (id, name, avatar_url) values ($1, $2, $3) on conflict do nothing",
        *(user_id, person.name, person.image_url),
    )


async def _join(connection: Connection, team_id: str, user_id: str, role: str, at: datetime) -> None:
    await connection.execute(
        """
        insert into memberships (team_id, user_id, role, clerk_updated_at)
        select $1, $2, $3, $4::timestamptz
        where not exists (
            select from membership_tombstones where team_id = $1 and user_id = $2 and deleted_at >= $4
        ) and exists (select from users where id = $2 and deleted_at is null)
        and exists (select from teams where id = $1 and deleted_at is null)
        on conflict (team_id, user_id) do update
            set role = excluded.role, clerk_updated_at = excluded.clerk_updated_at
        where memberships.clerk_updated_at < excluded.clerk_updated_at
        """,
        *(team_id, user_id, role, at),
    )


async def _left(connection: Connection, team_id: str, user_id: str, at: datetime) -> None:
    await _lock(connection, user_id)
    joined_again = await connection.fetchval(
        "select true from memberships where team_id = $1 and user_id = $2 and clerk_updated_at > $3",
        *(team_id, user_id, at),
    )
    if not joined_again:
        await _leave(connection, team_id, user_id, at)


async def _leave(connection: Connection, team_id: str, user_id: str, at: datetime) -> None:
    """End a membership, and what the member was on; their history stays the team's."""
    await connection.execute(
        """
        insert into membership_tombstones (team_id, user_id, deleted_at) values ($1, $2, $3)
        on conflict (team_id, user_id) do update
            set deleted_at = greatest(membership_tombstones.deleted_at, excluded.deleted_at)
        """,
        *(team_id, user_id, at),
    )
    await connection.execute(
        "delete from expectations where team_id = $1 and user_id = $2 and not is_done", team_id, user_id
    )
    await connection.execute("delete from memberships where team_id = $1 and user_id = $2", team_id, user_id)


async def _lock(connection: Connection, user_id: str) -> None:
    """One message about a user at a time: a tombstone and a membership must not pass each other unseen."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", user_id)


def _object_id(event: clerk.Message) -> str:
    match event:
        case clerk.MembershipChanged(data=membership) | clerk.MembershipDeleted(data=membership):
            return membership.public_user_data.user_id
        case _:
            return event.data.id
