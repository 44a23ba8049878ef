"""The api on real Postgres and NATS, and the members who call it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from rte_common import buckets, migrate
from rte_common.storage import StorageSettings
from rte_devstack import storage
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.ports import reserved
from rte_devstack.postgres import Postgres, let_in
from rte_devstack.serving import serving
from rte_devstack.testing import PASSWORD, Broker, Database

from .pooler import PgBouncer
from .running import Api, ApiProcess, StartApi, StartOn, Team

SERVICE_KEY = "sb_secret_test"


@pytest.fixture(scope="session")
def signer() -> TokenSigner:
    return TokenSigner()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def jwks_url(signer: TokenSigner) -> AsyncIterator[str]:
    """Where the signer's public key is."""
    app = FastAPI()
    app.add_api_route("/jwks.json", signer.jwks)
    async with serving(app) as url:
        yield f"{url}/jwks.json"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def storage_url(devstack_folder: Path) -> AsyncIterator[str]:
    """The Supabase Storage stand-in, whose buckets have production's limits."""
    settings = storage.Settings(
        state_dir=devstack_folder / "storage", supabase_service_key=SERVICE_KEY, supabase_anon_key="sb_publishable_test"
    )
    async with serving(storage.create_app(settings)) as url:
        await buckets.ensure(StorageSettings.model_validate({"supabase_url": url, "supabase_service_key": SERVICE_KEY}))
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def exports_bucket(storage_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The bucket that jobs writes to."""
    headers = {"apikey": SERVICE_KEY, "authorization": f"Bearer {SERVICE_KEY}"}
    url = f"{storage_url}/storage/v1/object/exports/"
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as bucket:
        yield bucket


@pytest.fixture(scope="session")
def api_database_url(postgres: Database, reserve_port: Callable[[], int], devstack_folder: Path) -> Iterator[str]:
    """How the api reaches the database: with TEST_POOLER=pgbouncer through a transaction-mode pooler."""
    if os.environ.get("TEST_POOLER") != "pgbouncer":
        yield postgres.url("rte_api")
        return
    with PgBouncer(devstack_folder / "pgbouncer", reserve_port(), postgres.url(), {"rte_api": PASSWORD}) as pooler:
        yield pooler.url("rte_api")


@pytest.fixture(scope="session")
def defaults(
    api_database_url: str, nats_server: Broker, signer: TokenSigner, jwks_url: str, storage_url: str
) -> dict[str, Any]:
    """Settings of an api where teams are Clerk organizations, and nobody runs into the rate limits."""
    return {
        "app_env": "test",
        "database_url": api_database_url,
        "nats_url": nats_server.url,
        "clerk_issuer": signer.issuer,
        "clerk_jwks_url": jwks_url,
        "clerk_authorized_parties": signer.authorized_party,
        "supabase_url": storage_url,
        "supabase_service_key": SERVICE_KEY,
        "team_mode": "organizations",
        "rate_limit_requests_per_minute": 10_000,
        "rate_limit_writes_per_minute": 10_000,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api_process(
    defaults: dict[str, Any], reserve_port: Callable[[], int], devstack_folder: Path
) -> AsyncIterator[ApiProcess]:
    """One process for all tests of a file that do it no harm. Not longer: its relay would empty other tests' outbox."""
    process = ApiProcess(defaults, reserve_port(), reserve_port(), devstack_folder / "api.log")
    await asyncio.to_thread(process.start)  # meanwhile this loop serves the keys
    with process:
        yield process


@pytest_asyncio.fixture(loop_scope="session")
async def api(api_process: ApiProcess, postgres: Database, signer: TokenSigner) -> AsyncIterator[Api]:
    """The shared api."""
    async with AsyncExitStack() as clients:
        yield Api(api_process.url, postgres, signer, clients)


@pytest_asyncio.fixture(loop_scope="session")
async def start_api(defaults: dict[str, Any], postgres: Database, signer: TokenSigner) -> AsyncIterator[StartApi]:
    """Call it for an api of the test's own; keyword arguments replace its settings."""
    async with AsyncExitStack() as running:

        async def start(**settings: Any) -> Api:
            return await running.enter_async_context(Api.running(defaults | settings, postgres, signer))

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def private_postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    """A database server that a test may stop."""
    with reserved() as port:
        server = Postgres(tmp_path / "pg", port=port, password="test", log=tmp_path / "pg.log", durable=False)
        with server:
            server.create_database("rte")
            await asyncio.to_thread(migrate.upgrade, server.url())  # it runs a loop of its own
            let_in(server.url(), {"rte_api": PASSWORD})
            yield server


@pytest.fixture
def start_on(start_api: StartApi) -> StartOn:
    """Call it for an api on a database of the test's own, whose outbox no other api empties."""

    async def start(server: Postgres, **settings: Any) -> Api:
        api = await start_api(database_url=server.url("rte_api", PASSWORD), **settings)
        await api.becomes(clerk="ok", nats="ok", cache="ok")
        return replace(api, database=Database(server.url()))

    return start


@pytest.fixture
def team(postgres: Database) -> Team:
    """Alex, who is admin, and Maria, in one team."""
    return Team.made(postgres, alex="admin", maria="member")


@pytest.fixture
def other_team(postgres: Database) -> Team:
    """Nora, alone in another team."""
    return Team.made(postgres, nora="admin")
