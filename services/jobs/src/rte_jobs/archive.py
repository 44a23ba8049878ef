"""Archive: what was done long ago leaves the lists. The row stays, with `archived_at`."""

from datetime import datetime, timedelta

from sqlmodel import col, func, update

from rte_common.database import Connection
from rte_common.tables import Expectation
from rte_jobs.statements import execute


async def archive(connection: Connection, now: datetime, *, after: timedelta) -> int:
    """Mark what was done more than `after` before `now`; returns how many. The capture trigger tells the world."""
    old = update(Expectation).where(
        *(col(Expectation.is_done), col(Expectation.archived_at).is_(None), col(Expectation.done_at) < now - after)
    )
    return await execute(connection, old.values(archived_at=func.now()))
