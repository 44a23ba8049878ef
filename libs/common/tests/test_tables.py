"""The tables' classes and the migrated database say the same, and where they do not it is found."""

from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from rte_common import tables  # noqa: F401  # fills SQLModel.metadata
from rte_devstack import testing

DEFINITIONS = """
    select attrelid::regclass || ' ' || attname || ' ' || format_type(atttypid, atttypmod)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = current_schema()::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
    union
    select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = current_schema()::regnamespace and contype <> 'n'
    union
    select replace(indexdef, schemaname || '.', '') from pg_indexes where schemaname = current_schema()
"""
"""Types, constraints and indexes as Postgres prints them. Alembic takes varchar for text, compares no checks, and of an
index neither order nor condition."""


def found_by_alembic(connection: Connection) -> list[str]:
    """The kinds of what Alembic would change in the database to make it what the classes say."""
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    differences = compare_metadata(context, SQLModel.metadata)
    return [entry[0] for group in differences for entry in (group if isinstance(group, list) else [group])]


def found_in_definitions(connection: Connection) -> set[str]:
    """Definitions that only the database has, or only tables made from the classes."""
    migrated = set(connection.scalars(text(DEFINITIONS)))
    connection.execute(text("create schema declared"))
    connection.execute(text("set local search_path to declared"))
    SQLModel.metadata.create_all(connection, checkfirst=False)
    return migrated ^ set(connection.scalars(text(DEFINITIONS)))


@pytest.fixture
async def connection(postgres: testing.Database) -> AsyncIterator[AsyncConnection]:
    """The migrated database, in a transaction that is rolled back."""
    engine = create_async_engine(postgres.url().replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as opened:
        yield opened
    await engine.dispose()


async def test_classes_and_migrated_database_say_the_same(connection: AsyncConnection) -> None:
    assert await connection.run_sync(found_by_alembic) == []
    assert await connection.run_sync(found_in_definitions) == set()


DIFFERENCES = {
    "create table forgotten (id int)": "remove_table",
    "drop table reports": "add_table",
    "alter table users add nickname text": "remove_column",
    "alter table users drop email": "add_column",
    "alter table users alter name drop not null": "modify_nullable",
    "alter table users alter email set not null": "modify_nullable",
    "alter table users alter timezone set default 'Europe/Berlin'": "modify_default",
    "alter table users alter timezone drop default": "modify_default",
    "alter table exports alter progress type integer": "modify_type",
    "comment on table users is 'Writer: nobody'": "add_table_comment",
    "drop index expectations_to_archive": "add_index",
    "create index forgotten on users (email)": "remove_index",
    "alter table reports drop constraint one_report_per_week": "add_constraint",
    "alter table exports drop constraint exports_user_id_fkey": "add_fk",
}


@pytest.mark.parametrize("change", DIFFERENCES)
async def test_a_difference_between_them_is_found(change: str, connection: AsyncConnection) -> None:
    await connection.execute(text(change))

    assert await connection.run_sync(found_by_alembic) == [DIFFERENCES[change]]


FINER_DIFFERENCES = [
    "alter table users alter email type varchar",
    "alter table users drop constraint users_id_check",
    "alter table exports drop constraint ended_has_time",
    "drop index one_active_expectation; create unique index one_active_expectation on expectations (team_id, user_id)",
    "drop index expectations_all; create index expectations_all on expectations (team_id, created_at desc, id)",
]


@pytest.mark.parametrize("change", FINER_DIFFERENCES)
async def test_a_difference_that_alembic_does_not_see_is_found(change: str, connection: AsyncConnection) -> None:
    for statement in change.split(";"):
        await connection.execute(text(statement))

    assert await connection.run_sync(found_in_definitions)


def test_each_table_names_its_writer() -> None:
    comments = {table.name: table.comment or "" for table in SQLModel.metadata.sorted_tables}

    assert "users" in comments
    assert [name for name, comment in comments.items() if not comment.startswith("Writer: ")] == []
