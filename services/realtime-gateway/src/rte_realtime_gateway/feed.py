"""The feed: every change from JetStream to the hub, once and in order, across broker restarts.

An ordered consumer of our own: ephemeral, without acks, made again after the last change whenever the broker was away,
a number is missing or its heartbeat stops. (nats-py's cannot begin at a point in time and then continue by number.)
"""

import asyncio
import contextlib
import math
import time
from datetime import UTC, datetime

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, SequenceInfo, StreamInfo

from rte_common import events
from rte_common.jetstream import Broker
from rte_realtime_gateway import changes, metrics
from rte_realtime_gateway.changes import NotAChange
from rte_realtime_gateway.hub import KEPT_SECONDS, Hub

log = structlog.get_logger(__name__)

STREAM = "EVENTS"
HEARTBEAT_SECONDS = 1.0
"""How often the broker says that it is there when nothing changes."""
SILENCE_SECONDS = 2.5
LOOK_SECONDS = 0.2
"""How soon it is noticed that the broker went away, or came back."""
RETRY_SECONDS = 0.5
UNUSED_SECONDS = 30.0
"""After how long without a listener the broker forgets the consumer."""


class Feed:
    """Keeps the hub up to date; `run` never returns."""

    def __init__(self, broker: Broker, hub: Hub) -> None:
        self._broker = broker
        self._hub = hub
        self._restart = asyncio.Event()
        self._reason = "start"
        self._heard_at = 0.0
        self._number = 0
        """The present consumer's number of the latest message: without a gap, or something was lost on the way."""
        self._live_at = math.inf
        """The number at which nothing is behind any more."""
        self._started = False

    async def run(self) -> None:
        """Consume until cancelled."""
        await self._broker.ready()
        while True:
            try:
                await self._consume()
            except (nats.errors.Error, TimeoutError) as error:
                self._reason = type(error).__name__
                await asyncio.sleep(RETRY_SECONDS)
            self._hub.live = False
            metrics.FEED_RESTARTS.labels(self._reason).inc()
            log.info("feed_restarted", reason=self._reason, after=self._hub.head)

    async def _consume(self) -> None:
        """One consumer's life: from its making until something says that it must be made again."""
        client, jetstream = self._broker.client, self._broker.jetstream
        self._restart.clear()
        self._number, self._live_at = 0, math.inf
        reconnects = client.stats["reconnects"]
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=self._on_message)
        try:
            self._check_stream(await jetstream.stream_info(STREAM))
            self._heard_at = time.monotonic()
            self._began(await jetstream.add_consumer(STREAM, self._config(inbox)))
            while not self._restart.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._restart.wait(), LOOK_SECONDS)
                if not client.is_connected:
                    self._hub.live = False
                elif client.stats["reconnects"] != reconnects:
                    self._begin_again("reconnected")
                elif time.monotonic() - self._heard_at > SILENCE_SECONDS:
                    self._begin_again("silence")
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    def _begin_again(self, reason: str) -> None:
        self._reason = reason
        self._restart.set()

    def _check_stream(self, info: StreamInfo) -> None:
        """A stream that is younger than our last change is another one: what we remember means nothing there."""
        if self._started and info.state.last_seq < self._hub.head:
            log.error("stream_replaced", last=info.state.last_seq, ours=self._hub.head)
            self._started = False

    def _config(self, inbox: str) -> ConsumerConfig:
        since = datetime.fromtimestamp(time.time() - KEPT_SECONDS, UTC)
        return ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE if self._started else DeliverPolicy.BY_START_TIME,
            opt_start_seq=self._hub.head + 1 if self._started else None,
            opt_start_time=None if self._started else since,
            deliver_subject=inbox,
            filter_subject=events.SUBJECTS,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            mem_storage=True,
            num_replicas=1,
            idle_heartbeat=HEARTBEAT_SECONDS,
            inactive_threshold=UNUSED_SECONDS,
        )

    def _began(self, info: ConsumerInfo) -> None:
        delivered = info.delivered or SequenceInfo(0, 0)
        if not self._started and delivered.consumer_seq == 0:
            self._start_after(delivered.stream_seq)
        self._live_at = delivered.consumer_seq + (info.num_pending or 0)
        self._become_live()

    def _start_after(self, sequence: int) -> None:
        self._started = True
        self._hub.start_after(sequence)

    def _become_live(self) -> None:
        if self._number >= self._live_at and not self._hub.live:
            self._hub.live = True
            log.info("feed_live", sequence=self._hub.head)

    async def _on_message(self, message: Msg) -> None:
        self._heard_at = time.monotonic()
        if message.headers and "Status" in message.headers:
            # A heartbeat, with the number of the last message that was sent.
            if int(message.headers.get("Nats-Last-Consumer", 0)) != self._number:
                self._begin_again("gap")
            return
        sequence = message.metadata.sequence
        if sequence.consumer != self._number + 1:
            self._begin_again("gap")
            return
        self._number = sequence.consumer
        if not self._started:
            self._start_after(sequence.stream - 1)
        if sequence.stream > self._hub.head:
            self._take(sequence.stream, message)
        self._become_live()

    def _take(self, sequence: int, message: Msg) -> None:
        try:
            change = changes.parse(sequence, message.data)
        except NotAChange as error:
            self._hub.head = sequence
            log.warning("event_not_understood", subject=message.subject, sequence=sequence, error=str(error))
        else:
            self._hub.publish(change)
