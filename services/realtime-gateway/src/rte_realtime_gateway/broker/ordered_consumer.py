"""An ordered consumer: a stream's messages once and in order, across broker restarts.

Ephemeral, without acks, made again after the last message whenever the broker was away, a number is missing or its
heartbeat stops. (nats-py's own cannot begin at a point in time and then continue by number.)
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, SequenceInfo, StreamInfo
from nats.js.errors import NotFoundError

from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
"""Seconds between two heartbeats of a broker that has no messages."""
MAX_SILENCE_SECONDS = 2.5
"""Seconds without a message or heartbeat after which the consumer is made again."""
LOOK_SECONDS = 0.5
"""Seconds in which it is noticed that the broker went away, or came back."""
RETRY_SECONDS = 0.5
UNUSED_SECONDS = 30.0
"""Seconds for which the broker keeps a consumer to which nobody listens."""


class OrderedConsumer:
    """Consumer of one stream; `run` never returns."""

    def __init__(
        self,
        broker: Broker,
        stream: str,
        subject: str,
        *,
        start: Callable[[], ConsumerConfig],
        on_message: Callable[[int, Msg], None],
        on_reset: Callable[[int, str], None],
        on_live: Callable[[bool], None],
        declare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Consume `subject` of `stream`.

        `start` says where to begin: deliver policy and its options.
        `on_message` gets each message with its sequence; once again if it raises, then no more.
        `on_reset` gets the sequence after which messages come, and in which stream: its name says when it was made. It
        is called again when another stream took its place.
        `on_live` gets whether messages arrive as they are published.
        `declare` makes the stream, where it may be missing after a broker's restart.
        """
        self._broker = broker
        self._stream = stream
        self._subject = subject
        self._start = start
        self._on_message = on_message
        self._on_reset = on_reset
        self._on_live = on_live
        self._declare = declare
        self._restart = asyncio.Event()
        self._reason = "start"
        self._heard_at = 0.0
        self._latest = 0
        """Sequence of the latest message."""
        self._number = 0
        """Number that the present consumer gave the latest message: a gap means that one was lost on the way."""
        self._live_at = math.inf
        """Number at which nothing is behind any more."""
        self._failed = 0
        """Sequence of the latest message whose handler failed."""
        self._identity = ""
        """Name of the stream that says when it was made."""
        self._started = False

    async def run(self) -> None:
        """Consume until cancelled."""
        await self._broker.ready()
        while True:
            try:
                await self._consume()
            except (nats.errors.Error, OSError) as error:
                self._reason = type(error).__name__
                await asyncio.sleep(RETRY_SECONDS)
            self._on_live(False)
            metrics.FEED_RESTARTS.labels(self._stream, self._reason).inc()
            log.info("feed_restarted", stream=self._stream, reason=self._reason, after=self._latest)

    async def _consume(self) -> None:
        """One consumer's life: from its making until something says that it must be made again."""
        client, jetstream = self._broker.client, self._broker.jetstream
        self._restart.clear()
        self._number, self._live_at = 0, math.inf
        reconnects = client.stats["reconnects"]
        if self._declare:
            await self._declare()
        self._identify(await self._stream_info())
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=self._receive)
        try:
            self._heard_at = time.monotonic()
            self._note_start(await jetstream.add_consumer(self._stream, self._config(inbox)))
            while not self._restart.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._restart.wait(), LOOK_SECONDS)
                if not client.is_connected:
                    self._on_live(False)
                elif client.stats["reconnects"] != reconnects:
                    self._begin_again("reconnected")
                elif time.monotonic() - self._heard_at > MAX_SILENCE_SECONDS:
                    self._begin_again("silence")
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _stream_info(self) -> StreamInfo:
        try:
            return await self._broker.jetstream.stream_info(self._stream)
        except NotFoundError:
            log.warning("stream_gone", stream=self._stream)
            await self._broker.declare()
            return await self._broker.jetstream.stream_info(self._stream)

    def _begin_again(self, reason: str) -> None:
        if not self._restart.is_set():
            self._reason = reason
        self._restart.set()

    def _identify(self, info: StreamInfo) -> None:
        """Sequences in another stream of the same name mean nothing here."""
        made = info.created.timestamp() if info.created else 0
        identity = f"{made:.6f}".replace(".", "")
        replaced = self._identity != identity or info.state.last_seq < self._latest
        if replaced and self._started:
            log.warning("stream_replaced", stream=self._stream, last=info.state.last_seq, ours=self._latest)
            self._started = False
        self._identity = identity

    def _config(self, inbox: str) -> ConsumerConfig:
        after_latest = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._latest + 1)
        return (after_latest if self._started else self._start()).evolve(
            deliver_subject=inbox,
            filter_subject=self._subject,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            mem_storage=True,
            num_replicas=1,
            idle_heartbeat=HEARTBEAT_SECONDS,
            inactive_threshold=UNUSED_SECONDS,
        )

    def _note_start(self, info: ConsumerInfo) -> None:
        delivered = info.delivered or SequenceInfo(0, 0)
        if not self._started and delivered.consumer_seq == 0:
            self._reset(delivered.stream_seq)
        self._live_at = delivered.consumer_seq + (info.num_pending or 0)
        self._note_progress()

    def _reset(self, sequence: int) -> None:
        self._started = True
        self._latest = sequence
        self._on_reset(sequence, self._identity)

    def _note_progress(self) -> None:
        if self._number >= self._live_at:
            self._on_live(True)

    async def _receive(self, message: Msg) -> None:
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
        if not self._started:
            self._reset(sequence.stream - 1)
        if sequence.stream > self._latest and not self._handle(sequence.stream, message):
            return  # whatever follows has a number too many, until this one has come again
        self._number = sequence.consumer
        self._note_progress()

    def _handle(self, sequence: int, message: Msg) -> bool:
        """Hand the message over; returns False to have it come again."""
        try:
            self._on_message(sequence, message)
        except Exception:
            again = self._failed != sequence
            event = "message_failed" if again else "message_left_out"
            log.exception(event, stream=self._stream, sequence=sequence, subject=message.subject)
            if again:
                self._failed = sequence
                self._begin_again("error")
                return False
        self._latest = sequence
        return True
