"""jobs on the real database and NATS, with the Storage stand-in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from sqlmodel import SQLModel, insert
from storage3 import AsyncStorageClient

from rte_common import buckets, database, jetstream, storage
from rte_common.database import Database
from rte_common.jetstream import Broker
from rte_common.storage import StorageSettings
from rte_devstack import testing
from rte_devstack.serving import serving
from rte_devstack.storage import Settings as StorageStandIn
from rte_devstack.storage import create_app
from rte_jobs.settings import Settings
from rte_jobs.statements import execute

Add = Callable[..., Awaitable[None]]


@pytest.fixture
async def add(postgres: testing.Database) -> AsyncIterator[Add]:
    """Call it with rows to insert them in this order; what a row does not say, the database fills in."""
    async with asyncpg.create_pool(postgres.url(), min_size=1, max_size=1) as pool, pool.acquire() as connection:

        async def insert_rows(*rows: SQLModel) -> None:
            for row in rows:
                await execute(connection, insert(type(row)).values(row.model_dump(exclude_unset=True)))

        yield insert_rows


@pytest.fixture
async def storage_url(tmp_path: Path) -> AsyncIterator[str]:
    """An empty storage whose two buckets have production's limits."""
    stand_in = StorageStandIn.model_validate(
        {"state_dir": tmp_path / "storage", "supabase_service_key": "service", "supabase_anon_key": "anon"}
    )
    async with serving(create_app(stand_in)) as url:
        await buckets.ensure(StorageSettings.model_validate({"supabase_url": url, "supabase_service_key": "service"}))
        yield url


@pytest.fixture
def settings(postgres: testing.Database, nats_server: testing.Broker, storage_url: str) -> Settings:
    """As in production."""
    return Settings.model_validate(
        {
            "database_url": postgres.url("rte_jobs"),
            "nats_url": nats_server.url,
            "supabase_url": storage_url,
            "supabase_service_key": "service",
        }
    )


@pytest.fixture
async def files(settings: Settings) -> AsyncIterator[AsyncStorageClient]:
    """The storage as jobs uses it."""
    async with storage.connect(settings) as client:
        yield client


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The database as jobs sees it."""
    async with database.connect(settings, application_name="test") as opened:
        yield opened


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[Broker]:
    """The session's NATS with all streams."""
    async with jetstream.connect(settings, name="test") as opened:
        await opened.ready()
        yield opened
