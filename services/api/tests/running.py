"""A running api, its callers, and the teams they are in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx

from rte_api.main import create_app
from rte_api.settings import Settings
from rte_devstack.clerk.tokens import ActiveOrganization, TokenSigner, new_id
from rte_devstack.program import Program, answers, executable
from rte_devstack.serving import serving
from rte_devstack.testing import Database

PROBLEM = "application/problem+json"


def in_hours(hours: float) -> str:
    """A time from now, as clients write it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@dataclass(frozen=True)
class Team:
    """A team whose members auth-sync has brought to the database."""

    id: str
    roles: dict[str, str]

    @classmethod
    def made(cls, database: Database, team_id: str | None = None, **roles: str) -> Self:
        """Put the team there; each name becomes the member `user_<name>`."""
        team_id = team_id or new_id("org")
        statements = [
            f"insert into teams (id, name) values ('{team_id}', 'Team of {team_id}')"
            " on conflict (id) do update set name = excluded.name;"
        ]
        for name, role in roles.items():
            statements.append(
                f"insert into users (id, name, email) values ('user_{name}', '{name.title()}', '{name}@example.com')"
                " on conflict do nothing;"
                f"insert into memberships values ('{team_id}', 'user_{name}', '{role}');"
            )
        database.execute("".join(statements) + "delete from outbox;")
        return cls(team_id, roles)


class ApiProcess(Program):
    """`rte-api` as a process of its own; started again, it has the same port and settings."""

    def __init__(self, settings: dict[str, Any], port: int, metrics_port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        ports = {"PORT": str(port), "METRICS_PORT": str(metrics_port)}
        super().__init__(
            "api",
            [executable("rte-api", "the workspace's rte-api")],
            log=log,
            ready=answers(f"{self.url}/ready"),
            environment={name.upper(): str(value) for name, value in settings.items()} | ports,
        )


@dataclass
class Api:
    """An api that serves on a free port."""

    url: str
    database: Database
    signer: TokenSigner
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: dict[str, Any], database: Database, signer: TokenSigner) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        async with serving(create_app(Settings(**settings))) as url, AsyncExitStack() as clients:
            yield cls(url, database, signer, clients)

    async def becomes(self, **checks: str) -> None:
        """Return when /ready says so, like `nats="ok"`; AssertionError if that takes more than ten seconds."""
        states: dict[str, str] = {}
        deadline = asyncio.get_running_loop().time() + 10
        while not checks.items() <= states.items():
            assert asyncio.get_running_loop().time() < deadline, states
            states = (await self.ready()).json()["checks"]

    async def ready(self) -> httpx.Response:
        """What /ready answers."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.get(f"{self.url}/ready")

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """While inside, every statement on the table waits."""
        connection = await asyncpg.connect(self.database.url())
        try:
            async with connection.transaction():
                await connection.execute(f"lock table {table} in access exclusive mode")
                yield
        finally:
            await connection.close()

    def token(self, team: Team, name: str, **claims: Any) -> str:
        """A session token of the member, with the team as active organization."""
        organization = ActiveOrganization(team.id, team.id, team.roles.get(name, "member"))
        return self.signer.session_token(f"user_{name}", organization=organization, **claims)

    async def member(self, team: Team, name: str, **claims: Any) -> httpx.AsyncClient:
        """A client that calls as that member; addresses are relative to /api/v1."""
        return await self.client(self.token(team, name, lifetime=3600, **claims))

    async def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with this token, or none."""
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        client = httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, timeout=30, trust_env=False)
        return await self.clients.enter_async_context(client)


StartApi = Callable[..., Awaitable[Api]]
StartOn = Callable[..., Awaitable[Api]]
