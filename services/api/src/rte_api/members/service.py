"""Who is who, in SQL that runs as the member."""

from typing import Any

from rte_api.members.schemas import MeChange, NotificationChange
from rte_common.auth import Member
from rte_common.database import Connection, Database
from rte_common.problems import Problem

ME = """
    select u.id, u.name, u.avatar_url, u.timezone, t.id as team_id, t.name as team_name,
        case when rte.is_team_admin() then 'admin' else 'member' end as role,
        s.reminders, s.weekly_report, s.remind_before_minutes, s.days,
        to_char(s.quiet_start, 'HH24:MI') as quiet_start, to_char(s.quiet_end, 'HH24:MI') as quiet_end,
        to_char(s.nothing_set_at, 'HH24:MI') as nothing_set_at
    from users u join teams t on t.id = $2 join rte.member_settings s on s.user_id = u.id
    where u.id = $1
"""
SETTINGS = ("reminders", "weekly_report", "remind_before_minutes", "quiet_hours", "days", "nothing_set_at")


class MemberNotYetKnown(Problem):
    """The member or team is so new that it has not arrived here yet"""

    type = "member-not-yet-known"

    def __init__(self) -> None:
        super().__init__("Try again in a moment", headers={"retry-after": "1"})


async def me(database: Database, member: Member) -> dict[str, Any]:
    """The caller as the team sees them; raises MemberNotYetKnown until auth-sync has heard of them."""
    async with database.acting_as(member, read_only=True) as connection:
        return await _me(connection, member)


async def change_me(database: Database, member: Member, new: MeChange) -> dict[str, Any]:
    """Change time zone and notification settings."""
    async with database.acting_as(member) as connection:
        before = await _me(connection, member)
        if new.timezone is not None and new.timezone != before["timezone"]:
            await connection.execute("update users set timezone = $2 where id = $1", member.id, new.timezone)
        if new.notifications is not None:
            await _change_notifications(connection, member, new.notifications)
        return await _me(connection, member)


async def _change_notifications(connection: Connection, member: Member, new: NotificationChange) -> None:
    if not (changed := new.columns()):
        return
    values = ", ".join(f"${number}" for number in range(2, len(changed) + 2))
    await connection.execute(
        f"insert into notification_settings (user_id, {', '.join(changed)}) values ($1, {values})"  # noqa: S608
        f" on conflict (user_id) do update set {', '.join(f'{name} = excluded.{name}' for name in changed)}",
        member.id,
        *changed.values(),
    )


async def _me(connection: Connection, member: Member) -> dict[str, Any]:
    row = await connection.fetchrow(ME, member.id, member.team_id)
    if row is None:
        raise MemberNotYetKnown
    profile = dict(row)
    team = {"id": profile.pop("team_id"), "name": profile.pop("team_name")}
    quiet = {"start": profile.pop("quiet_start"), "end": profile.pop("quiet_end")}
    profile["quiet_hours"] = quiet if quiet["start"] else None
    notifications = {name: profile.pop(name) for name in SETTINGS}
    return profile | {"team": team, "notifications": notifications}


async def team(database: Database, member: Member) -> dict[str, Any]:
    """The caller's team."""
    async with database.acting_as(member, read_only=True) as connection:
        row = await connection.fetchrow("select id, name from teams where id = $1", member.team_id)
    if row is None:
        raise MemberNotYetKnown
    return dict(row)


async def team_members(database: Database, member: Member, limit: int, after: str | None) -> dict[str, Any]:
    """A page of who is in the team, by id: `after` is the last one of the page before."""
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(
            """
            select u.id, u.name, u.avatar_url, u.timezone, m.role, m.created_at as joined_at
            from memberships m join users u on u.id = m.user_id
            where m.team_id = $1 and m.user_id > coalesce($2, '') order by m.user_id limit $3
            """,
            member.team_id,
            after,
            limit + 1,
        )
    shown = [dict(row) for row in rows[:limit]]
    return {"items": shown, "next_cursor": shown[-1]["id"] if len(rows) > limit else None}
