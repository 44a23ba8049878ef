"""An ordered consumer: a stream's messages once and in order, across broker restarts.

Ephemeral, without acks, made again after the last message whenever the broker was away, a number is missing or its
heartbeat stops. (nats-py's own cannot begin at a point in time and then continue by number.)
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, SequenceInfo, StreamInfo
from nats.js.errors import NotFoundError

from rte_common.jetstream import Broker
from rte_realtime_gateway import metrics

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
"""How often the broker says that it is there when there are no messages."""
SILENCE_SECONDS = 2.5
LOOK_SECONDS = 0.5
"""How soon it is noticed that the broker went away, or came back."""
RETRY_SECONDS = 0.5
UNUSED_SECONDS = 30.0
"""After how long without a listener the broker forgets the consumer."""


@dataclass(frozen=True)
class Following:
    """What follows a stream."""

    stream: str
    subject: str
    first: Callable[[], ConsumerConfig]
    """Where to begin: deliver policy and its options."""
    take: Callable[[int, Msg], None]
    """Gets each message with its place in the stream; once again if it raises, then no more."""
    began: Callable[[int, str], None]
    """Told the place after which messages come, and in which stream: its name says when it was made. Told again when
    another one took its place."""
    live: Callable[[bool], None]
    """Told whether messages arrive as they are published."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Makes the stream, where it may be missing after a broker's restart."""


class OrderedConsumer:
    """Keeps a follower up to date; `run` never returns."""

    def __init__(self, broker: Broker, following: Following) -> None:
        self._broker = broker
        self._following = following
        self._restart = asyncio.Event()
        self._reason = "start"
        self._heard_at = 0.0
        self._head = 0
        """Place in the stream of the latest message."""
        self._number = 0
        """The present consumer's number of the latest message: without a gap, or something was lost on the way."""
        self._live_at = math.inf
        """The number at which nothing is behind any more."""
        self._failed = 0
        """Place of the latest message that could not be taken."""
        self._stream = ""
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
            self._following.live(False)
            metrics.FEED_RESTARTS.labels(self._following.stream, self._reason).inc()
            log.info("feed_restarted", stream=self._following.stream, reason=self._reason, after=self._head)

    async def _consume(self) -> None:
        """One consumer's life: from its making until something says that it must be made again."""
        client, jetstream, stream = self._broker.client, self._broker.jetstream, self._following.stream
        self._restart.clear()
        self._number, self._live_at = 0, math.inf
        reconnects = client.stats["reconnects"]
        if self._following.prepare:
            await self._following.prepare()
        self._check(await self._stream_info())
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=self._on_message)
        try:
            self._heard_at = time.monotonic()
            self._note_start(await jetstream.add_consumer(stream, self._config(inbox)))
            while not self._restart.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._restart.wait(), LOOK_SECONDS)
                if not client.is_connected:
                    self._following.live(False)
                elif client.stats["reconnects"] != reconnects:
                    self._begin_again("reconnected")
                elif time.monotonic() - self._heard_at > SILENCE_SECONDS:
                    self._begin_again("silence")
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _stream_info(self) -> StreamInfo:
        stream = self._following.stream
        try:
            return await self._broker.jetstream.stream_info(stream)
        except NotFoundError:
            log.warning("stream_gone", stream=stream)
            await self._broker.declare()
            return await self._broker.jetstream.stream_info(stream)

    def _begin_again(self, reason: str) -> None:
        if not self._restart.is_set():
            self._reason = reason
        self._restart.set()

    def _check(self, info: StreamInfo) -> None:
        """Places in another stream of the same name mean nothing here."""
        made = info.created.timestamp() if info.created else 0
        stream = f"{made:.6f}".replace(".", "")
        replaced = self._stream != stream or info.state.last_seq < self._head
        if replaced and self._started:
            log.warning("stream_replaced", stream=self._following.stream, last=info.state.last_seq, ours=self._head)
            self._started = False
        self._stream = stream

    def _config(self, inbox: str) -> ConsumerConfig:
        after_last = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._head + 1)
        return (after_last if self._started else self._following.first()).evolve(
            deliver_subject=inbox,
            filter_subject=self._following.subject,
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
            self._start_after(delivered.stream_seq)
        self._live_at = delivered.consumer_seq + (info.num_pending or 0)
        self._note_progress()

    def _start_after(self, place: int) -> None:
        self._started = True
        self._head = place
        self._following.began(place, self._stream)

    def _note_progress(self) -> None:
        if self._number >= self._live_at:
            self._following.live(True)

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
        if not self._started:
            self._start_after(sequence.stream - 1)
        if sequence.stream > self._head and not self._take(sequence.stream, message):
            return  # whatever follows has a number too many, until this one has come again
        self._number = sequence.consumer
        self._note_progress()

    def _take(self, place: int, message: Msg) -> bool:
        """Hand the message over; returns False to have it come again."""
        try:
            self._following.take(place, message)
        except Exception:
            again = self._failed != place
            event = "message_failed" if again else "message_left_out"
            log.exception(event, stream=self._following.stream, place=place, subject=message.subject)
            if again:
                self._failed = place
                self._begin_again("error")
                return False
        self._head = place
        return True
