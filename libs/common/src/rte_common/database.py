"""The connection pool, and the member a transaction acts for.

Everything here works through a transaction-mode pooler: no LISTEN, no session settings, and unless a setting says so no
named prepared statements (asyncpg re-parses unnamed ones when `statement_cache_size` is 0; measured with PgBouncer,
see docs/decisions/0002-no-named-prepared-statements.md).
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import asyncpg
import orjson
from opentelemetry import trace

from rte_common.auth import Member
from rte_common.problems import Problem
from rte_common.process import Refusal
from rte_common.settings import DatabaseSettings

Connection = asyncpg.pool.PoolConnectionProxy

UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,  # the server said goodbye between two messages of one statement
)
"""Errors of a database that is away, shutting down, overloaded or too slow; TimeoutError is an OSError."""
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # and its kind, a wrong password
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ProtocolViolationError,
    asyncpg.InternalServerError,  # Supabase's pooler: no such project or user
    asyncpg.ClientConfigurationError,
)
"""Errors of connecting with an address that the server, or asyncpg, does not accept."""
FAILURES = (*UNAVAILABLE, asyncpg.PostgresError)
"""Errors of any kind that a database raises: for loops that go on when it is better."""

OUTCOME_UNKNOWN = "Nothing was changed, or it was changed as a whole: look before you repeat it"
"""Detail of the answer to a change that ended without one: it may have ended in its commit."""
SOON = {"retry-after": "5"}


class LoginRefused(ConnectionError):
    """The database answers, but not to the role, password or database name of DATABASE_URL."""


class DatabaseAway(Problem):
    """The database does not answer at the moment"""

    type = "database-away"

    def __init__(self) -> None:
        super().__init__(OUTCOME_UNKNOWN, headers=SOON)


class DatabaseReadOnly(Problem):
    """The database only reads at the moment"""

    type = "database-read-only"

    def __init__(self) -> None:
        super().__init__("Nothing was changed: try again later", headers=SOON)


ASK_AGAIN_SECONDS = 1.0
"""Time after which a database that kept somebody waiting in vain is asked again."""
MAX_STATEMENTS = 100
"""Prepared statements cached per connection, where they are allowed."""


class Outage:
    """Whether the database kept somebody waiting in vain: then one at a time asks it, and the others know at once.

    Without that everybody would wait for the whole timeout behind a pooler, which holds its clients while the database
    is away. A refused connection is no outage here: to learn that takes no time.
    """

    __slots__ = ("_ask_again_at",)

    def __init__(self) -> None:
        self._ask_again_at: float | None = None

    def check(self, timeout: float) -> None:
        """Raise ConnectionError, unless the caller is the one to ask."""
        if self._ask_again_at is None:
            return
        now = time.monotonic()
        if now < self._ask_again_at:
            raise ConnectionError("the database did not answer in time a moment ago")
        self._ask_again_at = now + timeout

    def record(self, error: BaseException | None) -> None:
        """Learn from an attempt whether the database answered (None or an error of its own), or did not in time."""
        if isinstance(error, TimeoutError):
            self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
        elif not isinstance(error, OSError):
            self._ask_again_at = None


class Transaction:
    """`async with` gives the connection; the end of the block commits, an exception rolls back.

    `begin` is the SQL that begins it; None: each statement is a transaction of its own.
    A class, because the two generators that would do the same cost a tenth of a request's CPU time.
    """

    __slots__ = ("_begin", "_committed", "_connection", "_outage", "_pool", "_timeout", "_translate")

    def __init__(
        self, database: "Database", begin: str | None, committed: asyncio.Event | None, *, translate: bool
    ) -> None:
        self._pool = database.pool
        self._timeout = database.timeout_seconds
        self._outage = database.outage
        self._begin = begin
        self._committed = committed
        self._translate = translate
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        """Begin; raises what UNAVAILABLE names, or its translation."""
        try:
            self._outage.check(self._timeout)
            return await self._acquire_and_begin()
        except UNAVAILABLE as error:
            self._outage.record(error)
            self._raise_translated(error)
            raise

    async def _acquire_and_begin(self) -> Connection:
        try:
            self._connection = connection = await self._pool.acquire(timeout=self._timeout)
        except REFUSED as error:
            raise LoginRefused(type(error).__name__) from error
        if self._begin is None:
            return connection
        try:
            await connection.execute(self._begin)
        except BaseException:
            connection.terminate()  # half begun: nobody else may get it
            await self._pool.release(connection)
            raise
        self._outage.record(None)
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit or roll back, and give the connection back."""
        connection = self._connection
        assert connection is not None  # noqa: S101  # __aenter__ came first
        if self._begin is None:
            self._outage.record(error)
        try:
            if error is None:
                if self._begin is not None:
                    await self._commit(connection)
            elif isinstance(error, (asyncio.CancelledError, TimeoutError)):
                # It may still run, and asyncpg takes no other statement meanwhile: without its connection it is undone.
                connection.terminate()
            elif self._begin is not None:
                with contextlib.suppress(*UNAVAILABLE):  # the connection is gone, and the transaction with it
                    await connection.execute("rollback")
        except UNAVAILABLE as failure:
            self._raise_translated(failure)
            raise
        finally:
            await self._pool.release(connection)
        if error is not None:
            self._raise_translated(error)
        elif self._committed is not None:
            self._committed.set()

    async def _commit(self, connection: Connection) -> None:
        try:
            await connection.execute("commit")
        except BaseException:
            connection.terminate()  # nobody knows whether it was committed, and nobody else may get the connection
            raise

    def _raise_translated(self, error: BaseException) -> None:
        """Raise the problem that clients are told instead of `error`, if there is one."""
        if not self._translate:
            return
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            raise DatabaseReadOnly from error
        # asyncpg's word for an argument that does not fit is a ValueError too: a bug, not an outage.
        if isinstance(error, UNAVAILABLE) and not isinstance(error, ValueError):
            raise DatabaseAway from error


class Database:
    """A pool of connections under the service's own role, which owns no table and bypasses no policy."""

    def __init__(self, pool: asyncpg.Pool, timeout_seconds: float) -> None:
        self.pool = pool
        self.timeout_seconds = timeout_seconds
        self.outage = Outage()
        self._worked = False
        self.committed = asyncio.Event()
        """Signal of each commit that may have written events: the relay waits for it."""

    def acting_as(self, member: Member, *, read_only: bool = False) -> Transaction:
        """A transaction that sees and changes what `member` may: role and claims are set inside it, for it alone.

        Commits when the block ends well. The claims have the shape of Clerk's v2 token, so that the policies also hold
        for browsers that talk to Supabase directly. Raises DatabaseAway and DatabaseReadOnly, also for the block.
        """
        # One round trip for what asyncpg's transaction() and a set_config would do in two.
        begin = f"{'begin read only' if read_only else 'begin'}; {_set_local('authenticated', _claims(member))}"
        return Transaction(self, begin, None if read_only else self.committed, translate=True)

    async def call_as(self, member: Member, function: str, *arguments: Any) -> list[str]:
        """Call an SQL function of texts that acts as who its first argument, the claims, names; its rows.

        `function` is its call, like `rte.list_expectations($1, $2)`. It takes two round trips less than a transaction.
        Raises DatabaseAway.
        """
        async with Transaction(self, None, None, translate=True) as connection:
            rows = await connection.fetch(f"select {function}", _claims(member), *arguments)
        return [row[0] for row in rows]

    def as_service(self, *, writes: bool = True) -> Transaction:
        """A transaction under the service's own role, across teams, as far as its policies and grants allow.

        `writes=False`: nothing is written that makes events, so the relay need not wake.
        """
        return Transaction(self, "begin", self.committed if writes else None, translate=False)

    async def check(self) -> str | None:
        """For /ready: None, or why the database does not answer; Refusal while it has never let this process in."""
        try:
            async with self.pool.acquire() as connection:
                await connection.execute("select 1")
        except FAILURES as error:
            reason = type(error).__name__
            return Refusal(reason) if isinstance(error, REFUSED) and not self._worked else reason
        self._worked = True
        return None


@asynccontextmanager
async def connect(settings: DatabaseSettings, *, application_name: str) -> AsyncIterator[Database]:
    """A pool that connects when first used, so that a database that is away does not stop the start."""
    pool = asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=settings.database_pool_size,
        max_inactive_connection_lifetime=60,
        statement_cache_size=MAX_STATEMENTS if settings.database_prepared_statements else 0,
        timeout=settings.database_timeout_seconds,
        command_timeout=settings.database_timeout_seconds,
        server_settings={"application_name": application_name},
        reset=_nothing_to_reset,
        init=_decode_json,
    )
    async with pool:
        yield Database(pool, settings.database_timeout_seconds)


async def _decode_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
    )


async def _nothing_to_reset(connection: Any) -> None:
    """Nothing is set for the session (SET LOCAL only), and a pooler hands out another session anyway."""


def _claims(member: Member) -> str:
    organization = {"id": member.team_id} | ({"rol": member.role} if member.role else {})
    return orjson.dumps({"sub": member.id, "role": "authenticated", "o": organization}).decode()


def _set_local(role: str, claims: str) -> str:
    settings = {"role": role, "request.jwt.claims": claims}
    span = trace.get_current_span().get_span_context()
    if span.is_valid:  # the trace goes into the outbox row, and on with the event
        settings["rte.traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    calls = ", ".join(f"set_config({_literal(name)}, {_literal(value)}, true)" for name, value in settings.items())
    return f"select {calls}"


def _literal(text: str) -> str:
    """`text` as SQL that holds no character of it: the simple protocol has no parameters."""
    return f"convert_from(decode('{text.encode().hex()}', 'hex'), 'utf8')"


def violated(error: asyncpg.IntegrityConstraintViolationError) -> str:
    """The constraint or index that refused a row."""
    return error.constraint_name or ""
