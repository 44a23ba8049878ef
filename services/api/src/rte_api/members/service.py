"""Who is who, in SQL that runs as the member."""

from typing import Any

from rte_api.expectations.service import MemberNotYetKnown
from rte_common.auth import Member
from rte_common.database import Database


async def me(database: Database, member: Member) -> dict[str, Any]:
    """The caller as the team sees them; raises MemberNotYetKnown until auth-sync has heard of them."""
    async with database.acting_as(member, read_only=True) as connection:
        row = await connection.fetchrow(
            """
            select u.id, u.name, u.avatar_url, u.timezone, t.id as team_id, t.name as team_name,
                case when rte.is_team_admin() then 'admin' else 'member' end as role
            from users u join teams t on t.id = $2 where u.id = $1
            """,
            member.id,
            member.team_id,
        )
    if row is None:
        raise MemberNotYetKnown
    profile = dict(row)
    team = {"id": profile.pop("team_id"), "name": profile.pop("team_name")}
    return profile | {"team": team}
