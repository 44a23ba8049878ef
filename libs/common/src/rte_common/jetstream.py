"""NATS JetStream: connect for good, declare the streams, consume with retry and dead letter.

nats-py prints tracebacks on reconnects unless its callbacks are set; here they become log lines.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from nats.js.errors import FetchTimeoutError, NoStreamResponseError, NotFoundError
from prometheus_client import Counter

from rte_common import events
from rte_common.nats_client import ResilientClient
from rte_common.process import background
from rte_common.settings import NatsSettings

log = structlog.get_logger(__name__)

DAY = 24 * 3600
PING_SECONDS = 10
"""Time between two pings; two without an answer, and the broker is gone."""
CLOSE_SECONDS = 2
"""Time that the end of the process waits for the broker to take what was still to be written."""
DECLARE_SECONDS = 60
"""Time between two looks at whether the streams are still there."""
BROADCASTS = "rte.broadcasts.>"
BROADCAST_SECONDS, BROADCASTS_PER_ROOM, BROADCAST_BYTES = 3 * DAY, 25, 32 << 20
"""Age, number in a room and total size of the broadcasts that are kept for replay: as on the real Realtime server, and
what every gateway may hold in memory."""
STREAMS = (
    StreamConfig(name="EVENTS", subjects=[events.SUBJECTS], max_age=7 * DAY, duplicate_window=3600),
    # Only for retries after a lost answer: who has one sent again by hand, after it was buried, must not be ignored.
    StreamConfig(name="CLERK", subjects=["rte.clerk.>"], max_age=7 * DAY, duplicate_window=120),
    # No max_age: it would end the schedules too, which are messages (tried on 2.15.1). What they fire carries its own
    # time to live.
    StreamConfig(name="JOBS", subjects=["rte.schedule.>", "rte.jobs.>"], allow_msg_schedules=True, allow_msg_ttl=True),
    StreamConfig(
        name="BROADCASTS",
        subjects=[BROADCASTS],
        max_age=BROADCAST_SECONDS,
        max_msgs_per_subject=BROADCASTS_PER_ROOM,
        max_bytes=BROADCAST_BYTES,
        allow_msg_ttl=True,
    ),
    StreamConfig(name="DEAD", subjects=["rte.dead.>"], max_age=30 * DAY),
)

MAX_DELIVERIES = 8
RETRY_SECONDS = (1, 5, 15, 60, 300, 900, 3600)
"""Pauses before each further delivery: a bare nak comes back at once and spins."""
ACK_WAIT_SECONDS = 60
MAX_REASON = 1000
"""Characters of a dead letter's reason."""

DELIVERIES = Counter("rte_deliveries_total", "Messages handled by a durable consumer", ["durable", "outcome"])

Handle = Callable[[Msg], Awaitable[None]]


class Poison(Exception):
    """A message that no retry can help: it goes to the dead letters at once, with this reason."""


class Broker:
    """The connection to NATS; it may be away at any time, also at the start."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self.client: Client = ResilientClient()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=5)
        self._declared = asyncio.Event()
        self._returned = asyncio.Event()

    async def ready(self) -> None:
        """Wait until NATS was reached once and has the streams."""
        await self._declared.wait()

    async def check(self) -> str | None:
        """For /ready: None, or why NATS does not answer."""
        if not self.client.is_connected:
            return "not connected"
        return None if self._declared.is_set() else "streams are not declared yet"

    async def open(self, name: str) -> None:
        """Connect and declare the streams, however long that takes, and keep both until cancelled."""
        user, password = self._settings.nats_login
        await self.client.connect(
            servers=list(self._settings.nats_servers),
            # Without a password it is a token.
            **({"token": user} if user and password is None else {"user": user, "password": password}),
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=2,
            error_cb=_log_error,
            disconnected_cb=_log_loss,
            reconnected_cb=self._log_return,
        )
        while True:
            self._returned.clear()
            wait = DECLARE_SECONDS if not self.client.is_connected or await self.declare() else 1
            # It may come back empty, and streams may be deleted while it runs.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._returned.wait()

    async def declare(self) -> bool:
        """Create or update every stream, also when one was found to be gone; returns whether that was possible."""
        try:
            for stream in STREAMS:
                wanted = stream.evolve(num_replicas=self._settings.nats_replicas)
                try:
                    await self.jetstream.update_stream(wanted)
                except NotFoundError:
                    await self.jetstream.add_stream(wanted)
        except (OSError, nats.errors.Error) as error:
            log.warning("streams_not_declared", error=repr(error))
            return False
        self._declared.set()
        return True

    async def _log_return(self) -> None:
        log.info("nats_reconnected")
        self._returned.set()


@asynccontextmanager
async def connect(settings: NatsSettings, *, name: str) -> AsyncIterator[Broker]:
    """A broker whose connection is made in the background, so that NATS being away does not stop the start."""
    broker = Broker(settings)
    try:
        async with background(broker.open(name)):
            yield broker
    finally:
        if not broker.client.is_closed:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await broker.client.close()
            # It writes to what it has lost, and neither uvloop (RuntimeError) nor asyncio forgives that.
            except (OSError, RuntimeError, AttributeError) as error:
                log.warning("nats_not_closed", error=repr(error))


async def consume(broker: Broker, stream: str, durable: str, subject: str, handle: Handle) -> None:
    """Give each message on `subject` to `handle` until cancelled; replicas that share `durable` share the work.

    `handle` must be idempotent. It is called again later when it raises, and after MAX_DELIVERIES the message goes to
    `rte.dead.<durable>`; Poison sends it there at once.
    """
    config = ConsumerConfig(
        durable_name=durable,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        # Counted here: what the broker gives up is in no dead letter, and with its last try a process may end.
        max_deliver=-1,
        filter_subject=subject,
    )
    while True:
        await broker.ready()
        try:
            # Not pull_subscribe: a consumer that is there would keep the settings of the release that made it.
            await broker.jetstream.add_consumer(stream, config)
            subscription = await broker.jetstream.pull_subscribe_bind(durable, stream)
            while True:
                try:
                    # One at a time: a larger fetch of nats-py 2.16 drops what it holds when a status interrupts it.
                    [message] = await subscription.fetch(1, timeout=5, heartbeat=1)
                except FetchTimeoutError:
                    continue  # heartbeats came, messages did not
                except nats.errors.TimeoutError:
                    await subscription.consumer_info()  # nothing came at all: raises if the consumer is gone
                    continue
                await _deliver(broker, message, durable, handle)
        except (OSError, nats.errors.Error) as error:
            log.warning("consumer_interrupted", durable=durable, error=str(error) or repr(error))
            if isinstance(error, NotFoundError):
                await broker.declare()
            await asyncio.sleep(1)


async def _deliver(broker: Broker, message: Msg, durable: str, handle: Handle) -> None:
    attempt = message.metadata.num_delivered
    if attempt > MAX_DELIVERIES:
        await _bury(broker, message, durable, "the last try ended without a word: the process died, or took too long")
        return
    try:
        await handle(message)
    except Poison as error:
        await _bury(broker, message, durable, str(error))
        return
    except Exception as error:
        if attempt < MAX_DELIVERIES:
            delay = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
            log.warning("delivery_failed", durable=durable, subject=message.subject, attempt=attempt, exc_info=error)
            await message.nak(delay=delay)
            DELIVERIES.labels(durable, "retried").inc()
            return
        await _bury(broker, message, durable, repr(error))
        return
    await message.ack()
    DELIVERIES.labels(durable, "handled").inc()


async def _bury(broker: Broker, message: Msg, durable: str, reason: str) -> None:
    # The broker's own headers (a time to live, an id, an expected sequence) are about the first publication.
    given = {name: value for name, value in (message.headers or {}).items() if not name.lower().startswith("nats-")}
    reason = " ".join(reason.split())[:MAX_REASON]
    headers = {**given, "Rte-Subject": message.subject, "Rte-Reason": reason}
    try:
        await broker.jetstream.publish(f"rte.dead.{durable}", message.data, headers=headers)
    except NoStreamResponseError:
        await broker.declare()
        raise  # it comes again
    await message.term()
    DELIVERIES.labels(durable, "buried").inc()
    log.error("message_buried", durable=durable, subject=message.subject, reason=reason)


async def _log_error(error: Exception) -> None:
    log.warning("nats_error", error=repr(error))


async def _log_loss() -> None:
    log.warning("nats_disconnected")
