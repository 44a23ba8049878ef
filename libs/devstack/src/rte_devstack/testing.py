"""pytest plugin: real PostgreSQL and real NATS for the tests that ask for them, and nothing for those that do not.

The environment is asked first: TEST_DATABASE_URL (its superuser) and TEST_NATS_URL name servers that run already, and
TEST_BACKEND=containers starts them with Docker. Else the programs of the wheels run on free ports in a temporary
folder; RTE_POSTGRES_VERSION chooses between 16 and 18.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import nats
import pytest
from tenacity import retry, retry_if_exception_message, stop_after_attempt

from rte_devstack.folder import Folder
from rte_devstack.nats import Nats
from rte_devstack.ports import PORTS, reserved, reserved_row
from rte_devstack.postgres import Postgres, let_in, psql
from rte_devstack.postgres_programs import Version
from rte_devstack.program import Program
from rte_devstack.stack import Stack

PASSWORD = "test"
PATIENCE_SECONDS = 20
"""After which a state that did not come is missing."""
ROLES = ("rte_api", "rte_auth_sync", "rte_jobs")
REMEMBER_ROWS = """
    drop schema if exists as_migrated cascade;
    create schema as_migrated;
    do $$
    declare
        name text;
    begin
        for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' loop
            execute format('create table as_migrated.%1$I as table public.%1$I', name);
        end loop;
    end $$;
"""
RESTORE_ROWS = """
    set lock_timeout = '5s';
    set session_replication_role = replica;  -- no triggers: what the migrations put there is no change
    do $$
    declare
        name text;
    begin
        execute (
            select 'truncate ' || string_agg(format('public.%I', tablename), ', ') || ' restart identity cascade'
            from pg_tables where schemaname = 'as_migrated'
        );
        for name in select tablename from pg_tables where schemaname = 'as_migrated' loop
            execute format('insert into public.%1$I overriding system value select * from as_migrated.%1$I', name);
        end loop;
    end $$;
"""


def pytest_configure() -> None:
    """Start every stack as it is without the `.env` of whoever runs the tests."""
    os.environ.setdefault("RTE_ENV_FILE", "")


@dataclass(frozen=True)
class Database:
    """A migrated database, with only the rows of the migrations at the start of each test."""

    admin_url: str

    def url(self, role: str | None = None) -> str:
        """Address under which `role` (rte_api, rte_auth_sync, rte_jobs) logs in; without a role, the superuser's."""
        if role is None:
            return self.admin_url
        address = urlsplit(self.admin_url)
        return address._replace(netloc=f"{role}:{PASSWORD}@{address.hostname}:{address.port}").geturl()

    def execute(self, statements: str) -> str:
        """Run SQL as the superuser; returns rows as psql prints them (`|` between columns)."""
        return psql(self.admin_url, statements)

    async def until(self, question: str, answer: str) -> None:
        """Wait until the query answers so; TimeoutError when it does not in PATIENCE_SECONDS."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await asyncio.to_thread(self.execute, question) != answer:  # noqa: ASYNC110  # psql tells no events
                await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Broker:
    """A NATS server with JetStream, whose streams are empty at the start of each test."""

    url: str


@pytest.fixture(scope="session")
def devstack_folder() -> Iterator[Path]:
    """Where the programs of this session keep their data and logs; gone at its end."""
    with tempfile.TemporaryDirectory(prefix="rte-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def reserve_port() -> Iterator[Callable[[], int]]:
    """Call it for a TCP port on 127.0.0.1 that is kept for this session."""
    with ExitStack() as keepers:
        yield lambda: keepers.enter_context(reserved())


@pytest.fixture(scope="session")
def postgres_server(devstack_folder: Path, reserve_port: Callable[[], int]) -> Iterator[str]:
    """Address of an empty database, for its superuser."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    version = cast(Version, os.environ.get("RTE_POSTGRES_VERSION", "18"))
    if os.environ.get("TEST_BACKEND") == "containers":
        from testcontainers.community.postgres import PostgresContainer

        image = PostgresContainer(
            f"postgres:{version}", username="postgres", password=PASSWORD, dbname="rte", driver=None
        )
        with image as container:
            yield container.get_connection_url()
        return
    server = Postgres(
        devstack_folder / "postgres",
        port=reserve_port(),
        password=PASSWORD,
        log=devstack_folder / "postgres.log",
        durable=False,
        version=version,
    )
    with server:
        server.create_database("rte")
        yield server.url()


@pytest.fixture(scope="session")
def postgres(postgres_server: str) -> Database:
    """The database with all migrations; after each test that asks for it, it has only their rows again."""
    from rte_common import migrate

    migrate.upgrade(postgres_server)
    let_in(postgres_server, dict.fromkeys(ROLES, PASSWORD))
    psql(postgres_server, REMEMBER_ROWS)
    return Database(postgres_server)


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """Superuser's address of a database of its own without any migration."""
    psql(postgres_server, "create database empty")
    yield urlsplit(postgres_server)._replace(path="/empty").geturl()
    psql(postgres_server, "drop database empty with (force)")


@pytest.fixture(scope="session")
def nats_server(devstack_folder: Path, reserve_port: Callable[[], int]) -> Iterator[Broker]:
    """The session's NATS; its streams are purged after each test that asks for it."""
    if given := os.environ.get("TEST_NATS_URL"):
        yield Broker(given)
        return
    if os.environ.get("TEST_BACKEND") == "containers":
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        image = DockerContainer("nats:2.15").with_command("-js").with_exposed_ports(4222)
        with image.waiting_for(LogMessageWaitStrategy("Server is ready")) as container:
            yield Broker(f"nats://{container.get_container_host_ip()}:{container.get_exposed_port(4222)}")
        return
    folder = devstack_folder / "nats"
    with Nats(folder, port=reserve_port(), monitor_port=reserve_port(), log=folder.with_suffix(".log")) as server:
        yield Broker(server.url)


@pytest.fixture
def private_nats(tmp_path: Path) -> Iterator[Callable[[], Nats]]:
    """Call it for a NATS of the test's own, started, that it may stop, kill and start again; data and port stay."""
    with ExitStack() as servers:

        def start() -> Nats:
            port, monitor_port = servers.enter_context(reserved()), servers.enter_context(reserved())
            folder = tmp_path / f"nats-{port}"
            return servers.enter_context(
                Nats(folder, port=port, monitor_port=monitor_port, log=folder.with_suffix(".log"))
            )

        yield start


@pytest.fixture(scope="session")
def start_stack(devstack_folder: Path) -> Iterator[Callable[..., Stack]]:
    """Call it, with variables for the environment, for a whole stack of `rte-devstack up`; it ends with the session."""
    with ExitStack() as stacks:

        def start(**environment: str) -> Stack:
            port = stacks.enter_context(reserved_row(max(PORTS.values()) + 1))
            stack = Stack(Folder(devstack_folder / f"stack {port}"), port)
            # `make test` has built the web client, if there is Node.
            patient = {
                "RTE_WEB_BUILD": "no",
                "RATE_LIMIT_REQUESTS_PER_MINUTE": "10000",
                "RATE_LIMIT_WRITES_PER_MINUTE": "10000",
            }
            chosen = {"RTE_PORT": str(port), "RTE_STACK_DIR": str(stack.folder.path)}
            stacks.enter_context(
                Program(
                    "the stack",
                    [sys.executable, "-m", "rte_devstack", "up"],
                    log=devstack_folder / f"stack-{port}.log",
                    ready=lambda: (state := stack.folder.running()) is not None and state.ready,
                    environment={**os.environ, **patient, **environment, **chosen},
                    start_seconds=100,  # a busy machine is slow, not broken
                    stop_seconds=30,
                )
            )
            return stack

        yield start


@pytest.fixture(scope="session")
def stack(start_stack: Callable[..., Stack]) -> Stack:
    """The whole stack with the demo team; it knows the addresses of its parts."""
    return start_stack()


@pytest.fixture(autouse=True)
def _leave_servers_as_new(request: pytest.FixtureRequest) -> Iterator[None]:
    # First in, last out: the test's own services have ended when tables and streams are put back.
    used = request.fixturenames
    if "nats_server" in used:
        request.getfixturevalue("_streams_emptied")
    database: Database | None = request.getfixturevalue("postgres") if "postgres" in used else None
    yield
    if database is not None:
        _restore(database)


@retry(retry=retry_if_exception_message(match=".*deadlock detected"), stop=stop_after_attempt(5), reraise=True)
def _restore(database: Database) -> None:
    """Put the rows back; a transaction that a test has abandoned may still be ending, and hold what this wants."""
    database.execute(RESTORE_ROWS)


@pytest.fixture
async def _streams_emptied(nats_server: Broker) -> AsyncIterator[None]:
    yield
    client = await nats.connect(nats_server.url)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.purge_stream(str(stream.config.name))
    finally:
        await client.close()
