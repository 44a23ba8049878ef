"""Weekly reports: each team's figures of the week that has ended."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from rte_common.database import Connection
from rte_common.reports import Figures
from rte_common.tables import Report
from rte_jobs.statements import execute

FIGURES = """
with done as (
    select e.team_id, e.user_id, u.name, e.done_at <= e.estimated_completion as on_time,
        extract(epoch from e.done_at - e.estimated_completion) / 3600 as error_hours,
        extract(isodow from e.done_at at time zone $3)::int as day
    from expectations e join users u on u.id = e.user_id
    where e.is_done and e.done_at >= ($1::date at time zone $3) and e.done_at < ($2::date at time zone $3)
), members as (
    select team_id, jsonb_agg(
        jsonb_build_object('user_id', user_id, 'name', name, 'completed', completed, 'on_time', on_time)
        order by completed desc, name, user_id
    ) as members
    from (
        select team_id, user_id, name, count(*) as completed, count(*) filter (where on_time) as on_time
        from done group by team_id, user_id, name
    ) as each_member
    group by team_id
)
select team_id, members,
    count(*) as completed,
    count(on_time) as estimated,
    count(*) filter (where on_time) as on_time,
    (count(*) filter (where on_time))::float8 / nullif(count(on_time), 0) as on_time_share,
    percentile_cont(0.5) within group (order by error_hours)::float8 as median_error_hours,
    array[
        count(*) filter (where day = 1), count(*) filter (where day = 2), count(*) filter (where day = 3),
        count(*) filter (where day = 4), count(*) filter (where day = 5), count(*) filter (where day = 6),
        count(*) filter (where day = 7)
    ] as days
from done join members using (team_id)
group by team_id, members
"""


def week_before(moment: datetime, timezone: str) -> tuple[date, date]:
    """Monday of the last week that had ended at `moment`, and the Monday after it."""
    today = moment.astimezone(ZoneInfo(timezone)).date()
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday


async def report(connection: Connection, slot: datetime, *, timezone: str) -> int:
    """Write a report for each team that completed anything in the week before `slot`; returns how many."""
    monday, next_monday = week_before(slot, timezone)
    rows = await connection.fetch(FIGURES, monday, next_monday, timezone)
    for row in rows:
        figures = Figures.model_validate(dict(row))
        new = insert(Report).values(
            team_id=row["team_id"],
            starts_on=monday,
            ends_on=next_monday - timedelta(days=1),
            figures=figures.model_dump(mode="json"),
        )
        await execute(connection, new.on_conflict_do_nothing(constraint="one_report_per_week"))
    return len(rows)
