"""Upkeep: rows that nobody needs any more go."""

from datetime import datetime, timedelta

from sqlmodel import col, delete, exists

from rte_common.database import Connection
from rte_common.tables import Expectation, IdempotencyKey, JobRun, Notification, SessionRevocation
from rte_jobs.statements import execute


async def prune(connection: Connection, now: datetime) -> int:
    """Delete what is old; returns how many rows."""
    old = (
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - timedelta(hours=24)),
        # Tokens live for a minute.
        delete(SessionRevocation).where(col(SessionRevocation.created_at) < now - timedelta(hours=1)),
        delete(JobRun).where(col(JobRun.slot) < now - timedelta(days=90)),
        # Not while the expectation is active: what was told of it is not told again.
        delete(Notification).where(
            col(Notification.created_at) < now - timedelta(days=90),
            ~exists().where(col(Expectation.id) == col(Notification.expectation_id), ~col(Expectation.is_done)),
        ),
    )
    return sum([await execute(connection, rows) for rows in old])
