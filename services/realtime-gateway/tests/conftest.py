"""A gateway on real NATS, and the official clients that talk to it."""

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nats
import pytest
import pytest_asyncio

from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.testing import Broker
from rte_testkit.gateway import Changes, Gateway, Members, StartGateway
from rte_testkit.official_clients import JAVASCRIPT, OfficialClient, StartClient


@pytest.fixture(scope="session")
def signer() -> TokenSigner:
    return TokenSigner()


@pytest.fixture(scope="session")
def members(signer: TokenSigner) -> Members:
    return Members(signer)


@pytest.fixture
def team() -> str:
    """A team of the test's own, in which nobody of an earlier test is still present."""
    return f"org_{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def gateway(
    nats_server: Broker, reserve_port: Callable[[], int], signer: TokenSigner, devstack_folder: Path
) -> Iterator[Gateway]:
    """One gateway for all tests that do it no harm."""
    with Gateway(
        port=reserve_port(),
        metrics_port=reserve_port(),
        nats_url=nats_server.url,
        signer=signer,
        log=devstack_folder / "gateway.log",
    ) as running:
        yield running


@pytest.fixture
def start_gateway(
    reserve_port: Callable[[], int], signer: TokenSigner, devstack_folder: Path, request: pytest.FixtureRequest
) -> Iterator[StartGateway]:
    """Start gateways that the test may kill, with settings of its own; by default on the session's broker."""
    with ExitStack() as running:

        def start(nats_url: str | None = None, **settings: str) -> Gateway:
            port = reserve_port()
            gateway = Gateway(
                port=port,
                metrics_port=reserve_port(),
                nats_url=nats_url or request.getfixturevalue("nats_server").url,
                signer=signer,
                log=devstack_folder / f"gateway-{port}.log",
                **settings,
            )
            return running.enter_context(gateway)

        yield start


@pytest.fixture(autouse=True)
def _gateway_log(request: pytest.FixtureRequest, devstack_folder: Path) -> Iterator[None]:
    """What the gateways logged during a test is shown when it fails."""
    logs = {log: log.stat().st_size for log in devstack_folder.glob("gateway*.log")}
    yield
    for log in devstack_folder.glob("gateway*.log"):
        with log.open() as lines:
            lines.seek(logs.get(log, 0))
            print(lines.read())


@pytest_asyncio.fixture(loop_scope="session")
async def changes(nats_server: Broker) -> AsyncIterator[Changes]:
    client = await nats.connect(nats_server.url)
    yield Changes(client.jetstream())
    await client.close()


@pytest.fixture(scope="session")
def javascript() -> None:
    """The npm packages are there, exactly those of the lock file."""
    installed = JAVASCRIPT / "node_modules" / ".package-lock.json"
    lock = JAVASCRIPT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=JAVASCRIPT, check=True, capture_output=True)


@pytest_asyncio.fixture(loop_scope="session")
async def client(javascript: None, gateway: Gateway) -> AsyncIterator[StartClient]:
    """Start official clients; they end with the test."""
    started: list[OfficialClient] = []

    async def start(kind: str, **wish: Any) -> OfficialClient:
        started.append(await OfficialClient.start(kind, **{"url": gateway.url, **wish}))
        return started[-1]

    yield start
    await asyncio.gather(*(one.stop() for one in started))
