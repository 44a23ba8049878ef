"""Archive: what was done long ago leaves the lists. The row stays, with `archived_at`."""

from datetime import datetime, timedelta

from rte_common.database import Connection


async def archive(connection: Connection, now: datetime, *, after: timedelta) -> int:
    """Mark what was done more than `after` before `now`; returns how many. The capture trigger tells the world."""
    status = await connection.execute(
        "update expectations set archived_at = now() where is_done and archived_at is null and done_at < $1",
        now - after,
    )
    return int(status.removeprefix("UPDATE "))
