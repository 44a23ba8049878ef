"""Upkeep: rows that nobody needs any more go."""

from datetime import datetime

from rte_common.database import Connection

OLD = {
    "idempotency_keys": "created_at < $1::timestamptz - interval '24 hours'",
    "session_revocations": "created_at < $1::timestamptz - interval '1 hour'",  # tokens live for a minute
    "job_runs": "slot < $1::timestamptz - interval '90 days'",
}
"""Which rows of a table are old, at the moment $1."""


async def tidy(connection: Connection, now: datetime) -> int:
    """Delete what is old; returns how many rows."""
    deleted = 0
    for table, old in OLD.items():
        status = await connection.execute(f"delete from {table} where {old}", now)  # noqa: S608  # the names are above
        deleted += int(status.removeprefix("DELETE "))
    return deleted
