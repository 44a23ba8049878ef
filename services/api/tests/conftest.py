"""The api on real Postgres and NATS, and the members who call it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.serving import serving
from rte_devstack.testing import Broker, Database

from .running import Api, StartApi, Team


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


@pytest_asyncio.fixture(loop_scope="session")
async def start_api(
    postgres: Database, nats_server: Broker, signer: TokenSigner, jwks_url: str
) -> AsyncIterator[StartApi]:
    """Call it for an api of the test's own; keyword arguments replace its settings."""
    async with AsyncExitStack() as running:

        async def start(**settings: Any) -> Api:
            defaults = {
                "app_env": "test",
                "database_url": postgres.url("rte_api"),
                "nats_url": nats_server.url,
                "clerk_issuer": signer.issuer,
                "clerk_jwks_url": jwks_url,
                "clerk_authorized_parties": signer.authorized_party,
            }
            return await running.enter_async_context(Api.running(defaults | settings, postgres, signer))

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def api(start_api: StartApi) -> Api:
    """One api where teams are Clerk organizations."""
    return await start_api(team_mode="organizations")


@pytest.fixture
def team(postgres: Database) -> Team:
    """Alex, who is admin, and Maria, in one team."""
    return Team.made(postgres, "org_kestrel", alex="admin", maria="member")


@pytest.fixture
def other_team(postgres: Database) -> Team:
    """Nora, alone in another team."""
    return Team.made(postgres, "org_northwind", nora="admin")
