"""Weekly reports: each team's figures of the week that has ended."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from rte_common import reports
from rte_common.database import Connection
from rte_common.tables import Report
from rte_jobs.statements import execute


def week_before(moment: datetime, timezone: str) -> tuple[date, date]:
    """Monday of the last week that had ended at `moment`, and the Monday after it."""
    today = moment.astimezone(ZoneInfo(timezone)).date()
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday


async def report(connection: Connection, slot: datetime, *, timezone: str) -> int:
    """Write a report for each team that completed anything in the week before `slot`; returns how many."""
    monday, next_monday = week_before(slot, timezone)
    teams = await reports.figures(connection, monday, next_monday, timezone=timezone)
    for team_id, figures in teams.items():
        new = insert(Report).values(
            team_id=team_id,
            starts_on=monday,
            ends_on=next_monday - timedelta(days=1),
            figures=figures.model_dump(mode="json"),
        )
        await execute(connection, new.on_conflict_do_nothing(constraint="one_report_per_week"))
    return len(teams)
