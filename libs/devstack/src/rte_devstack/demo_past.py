"""The demo team's past: what it finished in the weeks before the first start, and the reports on them.

It is written as rows by the tables' owner, and only here, because no call can write what was: the api takes its own
clock, as it must. The rules of the tables hold for it, except that nothing is captured: events would tell every client
of hundreds of changes that are no news to anybody, and fill the week that the stream keeps.
"""

import math
import random
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

from rte_common import database, reports
from rte_common.database import Connection
from rte_common.settings import DatabaseSettings

WEEKS = 6
"""Whole weeks before this one."""
ARCHIVED_DAYS = range(92, 127)
"""Days ago of what has left the lists: jobs archives after 90 days."""
ARCHIVED_AFTER = timedelta(days=90)
WORKING_DAYS = 5
STARTS = time(8, 30)
ENDS = time(17, 30)
STEP = timedelta(minutes=15)
"""People estimate in quarters of an hour."""
MARGIN = timedelta(minutes=5)
"""Before now, in which nothing was finished: what was could still be reopened."""


@dataclass(frozen=True, slots=True)
class Work:
    """What somebody's days are made of: each of `acts` upon each of `things`."""

    acts: tuple[str, ...]
    things: tuple[str, ...]

    @property
    def titles(self) -> list[str]:
        """Everything there is to do, with neighbours that differ in both words."""
        found = [" ".join(pair) for pair in product(self.acts, self.things)]
        random.Random(self.acts[0]).shuffle(found)  # noqa: S311  # no secret
        return found


@dataclass(frozen=True, slots=True)
class Worker:
    """A member whose past is written."""

    team_id: str
    user_id: str
    work: Work


@dataclass(frozen=True, slots=True)
class Finished:
    """A row of `expectations`."""

    team_id: str
    user_id: str
    title: str
    created_at: datetime
    estimated_completion: datetime | None
    done_at: datetime
    archived_at: datetime | None


async def exists(database_url: str, team_ids: Iterable[str]) -> bool:
    """Whether anybody in these teams has finished anything."""
    async with _transaction(database_url) as connection:
        return bool(
            await connection.fetchval(
                "select exists (select from expectations where is_done and team_id = any($1))", [*team_ids]
            )
        )


async def write(database_url: str, workers: Sequence[Worker], now: datetime, *, timezone: str = "UTC") -> None:
    """Write the past of `workers` up to `now`, and a report for each of its weeks, which begin in `timezone`."""
    async with _transaction(database_url) as connection:
        for table in ("expectations", "reports"):
            await connection.execute(f"alter table {table} disable trigger capture_change")
        await connection.executemany(
            "insert into expectations (team_id, user_id, title, created_at, estimated_completion, done_at, archived_at,"
            " updated_at, is_done) values ($1, $2, $3, $4, $5, $6, $7::timestamptz, coalesce($7, $6), true)",
            [astuple(row) for worker in workers for row in finished(worker, now)],
        )
        for monday in _mondays(now):
            await _report(connection, {worker.team_id for worker in workers}, monday, timezone)
        for table in ("expectations", "reports"):
            await connection.execute(f"alter table {table} enable trigger capture_change")


def finished(worker: Worker, now: datetime) -> Iterator[Finished]:
    """What a member finished before `now`, oldest first; the same for the same days."""
    today = now.astimezone(UTC).date()
    this_monday = today - timedelta(days=today.weekday())
    recent = range((today - this_monday).days + 7 * WEEKS, -1, -1)
    for days in (*reversed(ARCHIVED_DAYS), *recent):
        yield from (row for row in _day(worker, today - timedelta(days=days), now) if row.done_at <= now - MARGIN)


def _day(worker: Worker, day: date, now: datetime) -> Iterator[Finished]:
    chance = random.Random(f"{worker.user_id} {day}")  # noqa: S311  # no secret
    if day.weekday() >= WORKING_DAYS or chance.random() < 0.06:
        return  # a weekend, or a day off
    titles = worker.work.titles
    begins = datetime.combine(day, STARTS, UTC) + timedelta(seconds=chance.randrange(3600))
    ends = datetime.combine(day, ENDS, UTC)
    for number in range(chance.choice((2, 3, 3, 4))):
        planned = timedelta(minutes=chance.choice((45, 60, 90, 90, 120, 180)))
        estimate = _rounded(begins + planned)
        # Three of four are on time; of the late ones most by little, a few by much.
        share = chance.uniform(0.5, 1) if chance.random() < 0.75 else 1.03 + min(chance.expovariate(3), 1.5)
        done_at = begins + (estimate - begins) * share
        if done_at > ends:
            return
        yield Finished(
            worker.team_id,
            worker.user_id,
            titles[(day.toordinal() * 4 + number) % len(titles)],
            begins,
            None if chance.random() < 0.12 else estimate,
            done_at,
            archived_at if (archived_at := _midnight_after(done_at + ARCHIVED_AFTER)) <= now else None,
        )
        begins = done_at + timedelta(minutes=chance.uniform(2, 40))


def _rounded(moment: datetime) -> datetime:
    midnight = datetime.combine(moment.date(), time(), UTC)
    return midnight + math.ceil((moment - midnight) / STEP) * STEP


def _midnight_after(moment: datetime) -> datetime:
    return datetime.combine(moment.date() + timedelta(days=1), time(), UTC)


def _mondays(now: datetime) -> Iterator[date]:
    """Mondays of the weeks that have ended, from the oldest with anything in it."""
    today = now.astimezone(UTC).date()
    oldest = today - timedelta(days=ARCHIVED_DAYS.stop)
    monday = oldest - timedelta(days=oldest.weekday())
    while monday + timedelta(days=7) <= today:
        yield monday
        monday += timedelta(days=7)


async def _report(connection: Connection, team_ids: Iterable[str], monday: date, timezone: str) -> None:
    next_monday = monday + timedelta(days=7)
    figures = await reports.figures(connection, monday, next_monday, timezone=timezone)
    for team_id in figures.keys() & set(team_ids):
        await connection.execute(
            "insert into reports (team_id, starts_on, ends_on, figures, created_at) values ($1, $2, $3, $4, $5)"
            " on conflict on constraint one_report_per_week do nothing",  # jobs may have made last week's
            *(team_id, monday, next_monday - timedelta(days=1), figures[team_id].model_dump(mode="json")),
            datetime.combine(next_monday, time(9), UTC),
        )


@asynccontextmanager
async def _transaction(database_url: str) -> AsyncIterator[Connection]:
    settings = DatabaseSettings.model_validate({"database_url": database_url})
    async with database.connect(settings, application_name="demo") as db, db.as_service() as connection:
        yield connection
