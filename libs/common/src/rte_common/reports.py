"""The figures of a team's week: jobs computes them, and devstack those of the demo team's past; the api shows them."""

from datetime import date

from pydantic import BaseModel, Field

from rte_common.database import Connection

FIGURES = """
with done as (
    select e.team_id, e.user_id, u.name, e.done_at <= e.estimated_completion as on_time,
        extract(epoch from e.done_at - e.estimated_completion) / 3600 as error_hours,
        extract(isodow from e.done_at at time zone $3)::int as day
    from expectations e join users u on u.id = e.user_id
    where e.is_done and e.done_at >= ($1::date::timestamp at time zone $3)
        and e.done_at < ($2::date::timestamp at time zone $3)  -- a date itself would be midnight UTC
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


class MemberFigures(BaseModel):
    """What one member did in the week."""

    user_id: str
    name: str
    completed: int
    on_time: int = Field(description="Of these, done no later than estimated")


class Figures(BaseModel):
    """What a team did in a week. Expectations without an estimate count as completed only."""

    completed: int
    estimated: int = Field(description="Completed expectations that had an estimate")
    on_time: int = Field(description="Of the estimated ones, done no later than that")
    on_time_share: float | None = Field(description="on_time / estimated; none when nothing was estimated")
    median_error_hours: float | None = Field(description="Median of done minus estimated; positive is late")
    days: list[int] = Field(description="Completed on each day, Monday first", min_length=7, max_length=7)
    members: list[MemberFigures] = Field(description="Who completed something, most first")


async def figures(connection: Connection, begins_on: date, ends_before: date, *, timezone: str) -> dict[str, Figures]:
    """Figures of each team that completed anything in these days of `timezone`; `ends_before` is none of them."""
    rows = await connection.fetch(FIGURES, begins_on, ends_before, timezone)
    return {row["team_id"]: Figures.model_validate(dict(row)) for row in rows}
