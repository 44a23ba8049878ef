"""`Idempotency-Key`: a request that is sent again is answered again, not done again.

The key is a row, written in the transaction of the work itself. So it exists exactly if the work was done, and of two
requests that arrive at once the second waits at the unique index until the first has been committed. What was refused
has left no row, and may be tried again with the same key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from rte_common.auth import Member
from rte_common.database import Connection
from rte_common.problems import Problem

MAX_AGE_HOURS = 24
"""Age up to which a key counts; after that it is another request's."""


class IdempotencyKeyReused(Problem):
    """The Idempotency-Key belongs to another request"""

    type = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Created:
    """Answer to a creating request."""

    body: bytes
    location: str
    replayed: bool = False

    @classmethod
    def at(cls, collection: str, item: dict[str, object]) -> "Created":
        """The new `item` of `collection`."""
        return cls(orjson.dumps(item), f"/api/v1/{collection}/{item['id']}")


def fingerprint(operation: str, body: str) -> bytes:
    """Digest by which two requests are the same."""
    return blake2b(f"{operation}\n{body}".encode(), digest_size=16).digest()


async def once(
    connection: Connection, member: Member, key: str | None, request: bytes, work: Callable[[], Awaitable[Created]]
) -> Created:
    """Do `work` in this transaction, or return what it was answered when the member sent the key before.

    Raises IdempotencyKeyReused when that was another request.
    """
    if key is None:
        return await work()
    owner = (member.team_id, member.id, key)
    claimed = await connection.fetchval(
        "insert into idempotency_keys as k (team_id, user_id, key, request) values ($1, $2, $3, $4)"
        " on conflict (team_id, user_id, key) do update set request = excluded.request, created_at = now()"
        " where k.created_at < now() - make_interval(hours => $5) returning true",
        *owner,
        request,
        MAX_AGE_HOURS,
    )
    if not claimed:
        return await _replayed(connection, owner, request)
    created = await work()
    await connection.execute(
        "update idempotency_keys set body = $4, location = $5 where (team_id, user_id, key) = ($1, $2, $3)",
        *owner,
        created.body,
        created.location,
    )
    return created


async def _replayed(connection: Connection, owner: tuple[str, str, str], request: bytes) -> Created:
    row = await connection.fetchrow(
        "select request, body, location from idempotency_keys where (team_id, user_id, key) = ($1, $2, $3)", *owner
    )
    if row is None or row["request"] != request:
        raise IdempotencyKeyReused("Make a new key for each request")
    return Created(row["body"], row["location"], replayed=True)
