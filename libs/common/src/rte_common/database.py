"""The connection pool, and the member a transaction acts for.

Everything here works through a transaction-mode pooler: no LISTEN, no session settings, no named prepared statements
(asyncpg re-parses unnamed ones when `statement_cache_size` is 0; measured with PgBouncer, see docs/decisions.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from opentelemetry.propagate import inject

from rte_common.auth import Member
from rte_common.problems import Problem
from rte_common.settings import DatabaseSettings

Connection = asyncpg.pool.PoolConnectionProxy

UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""What a database that is away, shutting down, overloaded or too slow raises; TimeoutError is an OSError."""


class DatabaseAway(Problem):
    """The database does not answer at the moment"""

    type = "database-away"
    status = 503

    def __init__(self) -> None:
        super().__init__("Nothing was changed, or it was changed as a whole: look before you repeat it", headers=SOON)


class DatabaseReadOnly(Problem):
    """The database only reads at the moment"""

    type = "database-read-only"
    status = 503

    def __init__(self) -> None:
        super().__init__("Nothing was changed: try again later", headers=SOON)


SOON = {"retry-after": "5"}


class Database:
    """A pool of connections under the service's own role, which owns no table and bypasses no policy."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.committed = asyncio.Event()
        """Set after each commit that may have written events: the relay waits for it."""

    @asynccontextmanager
    async def acting_as(self, member: Member, *, read_only: bool = False) -> AsyncIterator[Connection]:
        """A transaction that sees and changes what `member` may: role and claims are set inside it, for it alone.

        Commits when the block ends well. The claims have the shape of Clerk's v2 token, so that the policies also hold
        for browsers that talk to Supabase directly. Raises DatabaseAway and DatabaseReadOnly, also for the block.
        """
        organization = {"id": member.team_id} | ({"rol": member.role} if member.role else {})
        claims = {"sub": member.id, "role": "authenticated", "o": organization}
        begin = "begin read only" if read_only else "begin"
        try:
            async with self._transaction(
                f"{begin}; {_set_local('authenticated', claims)}", writes=not read_only
            ) as connection:
                yield connection
        except asyncpg.ReadOnlySQLTransactionError as error:
            raise DatabaseReadOnly from error
        except UNAVAILABLE as error:
            if isinstance(error, ValueError):
                raise  # asyncpg's word for an argument that does not fit: a bug, not an outage
            raise DatabaseAway from error

    @asynccontextmanager
    async def as_service(self, *, writes: bool = True) -> AsyncIterator[Connection]:
        """A transaction under the service's own role, across teams, as far as its policies and grants allow.

        `writes=False`: nothing is written that makes events, so the relay need not wake.
        """
        async with self._transaction("begin", writes=writes) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, begin: str, *, writes: bool) -> AsyncIterator[Connection]:
        async with self._pool.acquire() as connection:
            # One round trip for what asyncpg's transaction() and a set_config would do in two.
            try:
                await connection.execute(begin)
                yield connection
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("rollback")
                raise
            await connection.execute("commit")
        if writes:
            self.committed.set()

    async def check(self) -> str | None:
        """For /ready: None, or why the database does not answer."""
        try:
            async with self._pool.acquire() as connection:
                await connection.execute("select 1")
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            return type(error).__name__
        return None


@asynccontextmanager
async def connect(settings: DatabaseSettings, *, application_name: str) -> AsyncIterator[Database]:
    """A pool that connects when first used, so that a database that is away does not stop the start."""
    pool = asyncpg.create_pool(
        settings.database_dsn,
        min_size=0,
        max_size=settings.database_pool_size,
        max_inactive_connection_lifetime=60,
        statement_cache_size=0,
        timeout=settings.database_timeout_seconds,
        command_timeout=settings.database_timeout_seconds,
        server_settings={"application_name": application_name},
        reset=_nothing_to_reset,
        init=_decode_json,
    )
    async with pool:
        yield Database(pool)


async def _decode_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
    )


async def _nothing_to_reset(connection: Any) -> None:
    """Nothing is set for the session (SET LOCAL only), and a pooler hands out another session anyway."""


def _set_local(role: str, claims: dict[str, Any]) -> str:
    carrier: dict[str, str] = {}
    inject(carrier)  # the trace goes into the outbox row, and on with the event
    settings = {"role": role, "request.jwt.claims": orjson.dumps(claims).decode()}
    if "traceparent" in carrier:
        settings["rte.traceparent"] = carrier["traceparent"]
    calls = ", ".join(f"set_config({_literal(name)}, {_literal(value)}, true)" for name, value in settings.items())
    return f"select {calls}"


def _literal(text: str) -> str:
    """`text` as SQL that holds no character of it: the simple protocol has no parameters."""
    return f"convert_from(decode('{text.encode().hex()}', 'hex'), 'utf8')"


def violated(error: asyncpg.IntegrityConstraintViolationError) -> str:
    """The constraint or index that refused a row."""
    return error.constraint_name or ""
