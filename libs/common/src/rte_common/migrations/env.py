"""Alembic's entry: one transaction for all versions, one migration at a time."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from rte_common.migrations import NotConnected, UnknownVersion

LOCK = 7_310_588_104
"""Advisory lock: containers of a rolling deploy may all try to migrate."""


def migrate(connection: Connection) -> None:
    """Run the wanted versions; whoever comes second waits, and finds nothing left to do."""
    connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    connection.execute(text("create schema if not exists rte"))
    context.configure(connection=connection, version_table_schema="rte", target_metadata=None)
    before = context.get_context().get_current_revision()
    if before is not None and before not in {script.revision for script in context.script.walk_revisions()}:
        raise UnknownVersion(
            f"the schema is at version {before}, which this code does not know: migrate with the newer code that made "
            "it, or begin with an empty database if it is from before 0.1.0 (in development: make reset)"
        )
    with context.begin_transaction():
        context.run_migrations()
    context.config.attributes["revisions"] = before, context.get_context().get_current_revision()


async def connect() -> Any:
    """Connect as the services do: SQLAlchemy's own URLs do not take `sslmode`."""
    url = context.config.attributes["url"]
    try:
        return await asyncpg.connect(url, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        address = urlsplit(url)
        where = f"{address.hostname}:{address.port or 5432} as {address.username}"
        reason = "; ".join(str(error).splitlines()) or type(error).__name__
        raise NotConnected(f"no connection to {where}: {reason}") from error


async def main() -> None:
    """Connect and migrate."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(main())
