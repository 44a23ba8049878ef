"""What one read transaction of a member costs this process: `python tests/bench/transactions.py`.

CPU time (user + system) of the client per transaction, one after the other against a real PostgreSQL: a bare query as
the floor, the same query in `Database.acting_as`, there made of the table's class as jobs makes it, and in a SQLModel
session that sets role and claims the same way.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from rte_common import database, migrate
from rte_common.auth import Member
from rte_common.settings import DatabaseSettings
from rte_common.tables import Expectation
from rte_devstack.ports import reserved
from rte_devstack.postgres import Postgres, let_in, psql
from rte_jobs.statements import fetch

TIMES = 1500
ANNA = Member("anna", "default", "member", "sess_1", 2e9)
QUERY = "select id, title, user_id, version from expectations where not is_done"


async def cpu_microseconds(work: Callable[[], Awaitable[object]]) -> float:
    """CPU time of one `work`, in µs."""
    for _ in range(TIMES // 10):
        await work()
    started = time.process_time()
    for _ in range(TIMES):
        await work()
    return (time.process_time() - started) / TIMES * 1e6


async def measure(admin: str, api: str) -> None:
    """Measure the four and print them."""
    settings = DatabaseSettings.model_validate({"database_url": api})
    engine = create_async_engine(
        api.replace("postgresql://", "postgresql+asyncpg://"), connect_args={"statement_cache_size": 0}
    )
    sessions = async_sessionmaker(engine, class_=AsyncSession)
    claims = '{"sub": "anna", "role": "authenticated", "o": {"id": "default"}}'
    set_local = text(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', :claims, true)"
    )
    async with database.connect(settings, application_name="bench") as db, asyncpg.create_pool(admin) as pool:

        async def acting_as() -> object:
            async with db.acting_as(ANNA, read_only=True) as connection:
                return await connection.fetch(QUERY)

        def statement() -> Any:
            columns = select(Expectation.id, Expectation.title, Expectation.user_id, Expectation.version)
            return columns.where(~col(Expectation.is_done))

        async def acting_as_with_classes() -> object:
            async with db.acting_as(ANNA, read_only=True) as connection:
                return await fetch(connection, statement())

        async def session() -> object:
            async with sessions() as opened, opened.begin():
                await (await opened.connection()).execute(set_local, {"claims": claims})
                return (await opened.exec(statement())).all()

        floor = await cpu_microseconds(lambda: pool.fetch(QUERY))
        print(f"{'transaction':<28}{'CPU µs':>8}{'times the floor':>18}")
        for name, work in (
            ("one bare query", None),
            ("Database.acting_as", acting_as),
            ("the same, of a class", acting_as_with_classes),
            ("SQLModel session", session),
        ):
            cost = await cpu_microseconds(work) if work else floor
            print(f"{name:<28}{cost:>8.0f}{cost / floor:>18.1f}")
    await engine.dispose()


def main() -> None:
    """Start a PostgreSQL of its own, and measure."""
    with tempfile.TemporaryDirectory() as folder, reserved() as port:
        data = Path(folder) / "postgres"
        with Postgres(data, port=port, password="bench", log=Path(folder) / "log", durable=False) as server:
            server.create_database("rte")
            migrate.upgrade(server.url())
            let_in(server.url(), {"rte_api": "bench"})
            psql(
                server.url(),
                "insert into users (id, name) select 'u' || n, 'U' from generate_series(1, 20) n;"
                "insert into expectations (team_id, user_id, title)"
                " select 'default', 'u' || n, 'On it' from generate_series(1, 20) n",
            )
            asyncio.run(measure(server.url(), server.url("rte_api")))


if __name__ == "__main__":
    print(f"{TIMES} times each, {os.cpu_count()} cores")
    main()
