"""Upkeep: rows that nobody needs any more go."""

from datetime import datetime, timedelta

from sqlmodel import col, delete

from rte_common.database import Connection
from rte_common.tables import IdempotencyKey, JobRun, SessionRevocation
from rte_jobs.statements import execute


async def prune(connection: Connection, now: datetime) -> int:
    """Delete what is old; returns how many rows."""
    old = (
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - timedelta(hours=24)),
        # Tokens live for a minute.
        delete(SessionRevocation).where(col(SessionRevocation.created_at) < now - timedelta(hours=1)),
        delete(JobRun).where(col(JobRun.slot) < now - timedelta(days=90)),
    )
    return sum([await execute(connection, rows) for rows in old])
