"""A NATS key-value bucket of which this process keeps a copy: for what the replicas of the gateway must know together.

In memory, because all of it is told again by whoever knows it: after a broker's restart nothing is read from disk that
went stale meanwhile, and no write waits for a disk.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError

from rte_common.jetstream import Broker
from rte_realtime_gateway.broker.ordered_consumer import Following, OrderedConsumer

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
SLICE = 50
FINISH_SECONDS = 2
HEADER_BYTES = 1 << 10
"""What a key's headers need of the most that the broker takes as one: it hangs up on whoever sends more."""
MARKER_SECONDS = 60.0
"""How long the broker tells that a key's time to live has ended, to those who were away just then."""


@dataclass(frozen=True)
class Reader:
    """What follows a bucket."""

    put: Callable[[str, bytes], None]
    """A key has this value now, by whoever set it: also by this process."""
    removed: Callable[[str], None]
    """A key was taken out, or its time to live has ended."""
    emptied: Callable[[], None]
    """The bucket is a new one: what this process knows must be put again."""
    loaded: Callable[[], None]
    """Everything that is in the bucket was read."""


class Bucket:
    """Written without waiting, followed in the background."""

    def __init__(self, broker: Broker, name: str, reader: Reader, *, ttl: float, replicas: int) -> None:
        self._broker = broker
        self._prefix = f"$KV.{name}."
        self._reader = reader
        self._ttl = {"Nats-TTL": str(max(int(ttl), 1))}
        """Of each key: by the broker's clock, so that whoever reads it late does not believe it for longer."""
        self._stream = StreamConfig(
            name=f"KV_{name}",
            subjects=[f"{self._prefix}>"],
            max_msgs_per_subject=1,
            storage=StorageType.MEMORY,
            num_replicas=replicas,
            discard=DiscardPolicy.NEW,
            allow_rollup_hdrs=True,
            allow_direct=True,
            deny_delete=True,
            allow_msg_ttl=True,
            subject_delete_marker_ttl=MARKER_SECONDS,
        )
        following = Following(
            stream=f"KV_{name}",
            subject=f"{self._prefix}>",
            first=lambda: ConsumerConfig(deliver_policy=DeliverPolicy.LAST_PER_SUBJECT),
            take=self._take,
            began=self._began,
            live=self._note_live,
            prepare=self._prepare,
        )
        self._consumer = OrderedConsumer(broker, following)
        self._unwritten: dict[str, tuple[bytes, dict[str, str]]] = {}
        self._wake = asyncio.Event()
        self.live = False
        """Whether what the others write arrives."""

    def put(self, key: str, value: bytes) -> None:
        """Set a key soon, until its time to live ends."""
        self._write(key, value, self._ttl)

    def remove(self, key: str) -> None:
        """Take a key out soon."""
        self._write(key, b"", {**self._ttl, "KV-Operation": "DEL"})

    def _write(self, key: str, value: bytes, headers: dict[str, str]) -> None:
        self._unwritten[key] = value, headers
        self._wake.set()

    async def run(self) -> None:
        """Follow and write until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._consumer.run())
            tasks.create_task(self._write_for_good())

    async def finish(self) -> None:
        """Write what waits now: afterwards the broker was given it, and stores it at any moment, or is away."""
        if self._broker.client.is_connected and await self._write_slice(len(self._unwritten)):
            await self._broker.client.flush(FINISH_SECONDS)

    async def _write_for_good(self) -> None:
        await self._broker.ready()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unwritten:
                # In slices, each newest value once: thousands of keys must not hold up the sockets.
                written = await self._write_slice(SLICE)
                await asyncio.sleep(0 if written else RETRY_SECONDS)

    async def _write_slice(self, size: int) -> bool:
        """Write so many keys; returns False when one failed, and leaves it and the others for later."""
        for key in list(islice(self._unwritten, size)):
            if key not in self._unwritten:
                continue  # `finish` and the background write at the same time
            value, headers = self._unwritten.pop(key)
            if len(value) + HEADER_BYTES > self._broker.client.max_payload:
                log.warning("bucket_value_too_large", bucket=self._prefix, key=key, size=len(value))
                continue  # the value before it stays until its time ends
            try:
                await self._broker.client.publish(f"{self._prefix}{key}", value, headers=headers)
            except (nats.errors.Error, OSError) as error:
                log.info("bucket_write_failed", bucket=self._prefix, error=repr(error))
                self._unwritten.setdefault(key, (value, headers))
                return False
        return True

    async def _prepare(self) -> None:
        try:
            await self._broker.jetstream.add_stream(self._stream)
        except BadRequestError:
            await self._broker.jetstream.update_stream(self._stream)  # one with other settings is there

    def _began(self, place: int, stream: str) -> None:
        self._reader.emptied()

    def _note_live(self, live: bool) -> None:
        self.live = live
        if live:
            self._reader.loaded()

    def _take(self, _: int, message: Msg) -> None:
        key = message.subject.removeprefix(self._prefix)
        operation = (message.headers or {}).get("KV-Operation")
        if operation is not None or "Nats-Marker-Reason" in (message.headers or {}):
            self._reader.removed(key)
        else:
            self._reader.put(key, message.data)
