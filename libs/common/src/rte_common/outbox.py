"""The relay: committed rows of the outbox go to JetStream, oldest first. Triggers write the rows (see migrations).

It runs in every service that writes; a transaction-scoped advisory lock lets one work at a time.
"""

import asyncio
import contextlib
from datetime import UTC, datetime

import nats.errors
import orjson
import structlog
from prometheus_client import Counter, Histogram

from rte_common.database import FAILURES, Database
from rte_common.jetstream import Broker

log = structlog.get_logger(__name__)

LOCK = 7_310_588_105
MAX_BATCH_EVENTS = 200
POLL_SECONDS = 1
"""Pause between two looks, which are the guarantee; a commit of this process is the shortcut: no LISTEN works through a
pooler."""

RELAYED = Counter("rte_outbox_relayed_total", "Events that left the outbox")
DELAY = Histogram(
    "rte_outbox_delay_seconds",
    "Age of an event when JetStream had it: since its row was written",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300),
)


async def run(database: Database, broker: Broker) -> None:
    """Relay until cancelled; whatever is away is waited for."""
    failing = False
    while True:
        await broker.ready()
        database.committed.clear()
        try:
            while await relay_batch(database, broker) == MAX_BATCH_EVENTS:
                pass
        except (*FAILURES, nats.errors.Error) as error:
            if not failing:
                log.warning("relay_interrupted", error=repr(error))
            failing = True
            await asyncio.sleep(POLL_SECONDS)
            continue
        if failing:
            log.info("relay_resumed")
        failing = False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(database.committed.wait(), POLL_SECONDS)


async def relay_batch(database: Database, broker: Broker) -> int:
    """Publish the oldest events one after the other and delete them; return how many.

    Each waits for the ack of the one before, so that a broken connection cannot let a later one overtake. When one
    fails, those before it stay published and are deleted. A crash between publish and commit sends the batch again:
    JetStream drops the copies by message id, and after its window consumers must cope.
    """
    relayed: list[int] = []
    failure: Exception | None = None
    async with database.as_service(writes=False) as connection:
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
            return 0  # another relay is at it
        rows = await connection.fetch(
            "select id, event_id, subject, payload::text as payload, headers::text as headers, created_at"
            " from outbox order by id limit $1",
            MAX_BATCH_EVENTS,
        )
        if not rows:
            return 0
        for row in rows:
            headers = {"Nats-Msg-Id": str(row["event_id"]), **orjson.loads(row["headers"])}
            try:
                await broker.jetstream.publish(row["subject"], row["payload"].encode(), headers=headers)
            except nats.errors.Error as error:
                failure = error
                break
            relayed.append(row["id"])
            RELAYED.inc()
            DELAY.observe((datetime.now(UTC) - row["created_at"]).total_seconds())
        await connection.execute("delete from outbox where id = any($1::bigint[])", relayed)
    if failure is not None:
        raise failure
    return len(relayed)
