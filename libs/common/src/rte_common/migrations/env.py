"""Alembic's entry: one transaction for all versions, one migration at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

LOCK = 7_310_588_104
"""Advisory lock: containers of a rolling deploy may all try to migrate."""


def migrate(connection: Connection) -> None:
    """Run the wanted versions; whoever comes second waits, and finds nothing left to do."""
    connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    connection.execute(text("create schema if not exists rte"))
    context.configure(connection=connection, version_table_schema="rte", target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect and migrate."""
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = create_async_engine(url, connect_args={"statement_cache_size": 0})
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(main())
