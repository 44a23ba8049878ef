"""A NATS key-value store that this process follows: for what the peers must know together.

In memory, because all of it is put again by whoever knows it: after a broker's restart nothing is read from disk that
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
from rte_realtime_gateway.broker.ordered_consumer import OrderedConsumer

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
MAX_KEYS = 50
"""Keys written at a time: thousands must not hold up the sockets."""
MAX_FLUSH_SECONDS = 2
"""Seconds that a flush waits for the broker's answer."""
HEADER_BYTES = 1 << 10
"""Bytes left for a key's headers in the most that the broker takes as one: it hangs up on whoever sends more."""
MARKER_SECONDS = 60.0
"""Seconds for which the broker tells that a key has expired, to those who were away just then."""


@dataclass(frozen=True)
class Watcher:
    """Handlers of what happens in a key-value store."""

    on_put: Callable[[str, bytes], None]
    """Handler of a key and its new value, by whoever set it: also by this process."""
    on_delete: Callable[[str], None]
    """Handler of a key that was deleted or has expired."""
    on_reset: Callable[[], None]
    """Handler of a new, empty store: what this process knows must be put again."""
    on_loaded: Callable[[], None]
    """Handler of the moment at which everything in the store was read."""


class KeyValue:
    """One key-value store, written without waiting and followed in the background."""

    def __init__(self, broker: Broker, name: str, *, ttl: float, stream_replicas: int) -> None:
        self.live = False
        """Whether what the peers write arrives."""
        self._broker = broker
        self._name = f"KV_{name}"
        self._prefix = f"$KV.{name}."
        self._ttl = {"Nats-TTL": str(max(int(ttl), 1))}
        """Header with each key's time to live, by the broker's clock: whoever reads it late believes it no longer."""
        self._stream = StreamConfig(
            name=self._name,
            subjects=[f"{self._prefix}>"],
            max_msgs_per_subject=1,
            storage=StorageType.MEMORY,
            num_replicas=stream_replicas,
            discard=DiscardPolicy.NEW,
            allow_rollup_hdrs=True,
            allow_direct=True,
            deny_delete=True,
            allow_msg_ttl=True,
            subject_delete_marker_ttl=MARKER_SECONDS,
        )
        self._unwritten: dict[str, tuple[bytes, dict[str, str]]] = {}
        """Keys that wait to be written, each with its newest value and headers."""
        self._wake = asyncio.Event()

    def put(self, key: str, value: bytes) -> None:
        """Set a key soon, until it expires."""
        self._write(key, value, self._ttl)

    def delete(self, key: str) -> None:
        """Delete a key soon."""
        self._write(key, b"", {**self._ttl, "KV-Operation": "DEL"})

    def _write(self, key: str, value: bytes, headers: dict[str, str]) -> None:
        self._unwritten[key] = value, headers
        self._wake.set()

    async def run(self, watcher: Watcher) -> None:
        """Follow and write until cancelled."""
        consumer = OrderedConsumer(
            self._broker,
            self._name,
            f"{self._prefix}>",
            start=lambda: ConsumerConfig(deliver_policy=DeliverPolicy.LAST_PER_SUBJECT),
            on_message=lambda sequence, message: self._dispatch(watcher, message),
            on_reset=lambda sequence, stream: watcher.on_reset(),
            on_live=lambda live: self._note_live(watcher, live),
            declare=self._declare,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consumer.run())
            tasks.create_task(self._keep_writing())

    async def flush(self) -> None:
        """Write what waits now: afterwards the broker was given it, and stores it at any moment, or is away."""
        if self._broker.client.is_connected and await self._write_some(len(self._unwritten)):
            await self._broker.client.flush(MAX_FLUSH_SECONDS)

    async def _keep_writing(self) -> None:
        await self._broker.ready()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unwritten:
                written = await self._write_some(MAX_KEYS)
                await asyncio.sleep(0 if written else RETRY_SECONDS)

    async def _write_some(self, count: int) -> bool:
        """Write so many keys; returns False when one failed, and leaves it and the others for later."""
        for key in list(islice(self._unwritten, count)):
            if key not in self._unwritten:
                continue  # `flush` and the background write at the same time
            value, headers = self._unwritten.pop(key)
            if len(value) + HEADER_BYTES > self._broker.client.max_payload:
                log.warning("key_value_too_large", store=self._prefix, key=key, size=len(value))
                continue  # the value before it stays until it expires
            try:
                await self._broker.client.publish(f"{self._prefix}{key}", value, headers=headers)
            except (nats.errors.Error, OSError) as error:
                log.info("key_value_write_failed", store=self._prefix, error=repr(error))
                self._unwritten.setdefault(key, (value, headers))
                return False
        return True

    async def _declare(self) -> None:
        try:
            await self._broker.jetstream.add_stream(self._stream)
        except BadRequestError:
            await self._broker.jetstream.update_stream(self._stream)  # one with other settings is there

    def _note_live(self, watcher: Watcher, live: bool) -> None:
        self.live = live
        if live:
            watcher.on_loaded()

    def _dispatch(self, watcher: Watcher, message: Msg) -> None:
        key = message.subject.removeprefix(self._prefix)
        operation = (message.headers or {}).get("KV-Operation")
        if operation is not None or "Nats-Marker-Reason" in (message.headers or {}):
            watcher.on_delete(key)
        else:
            watcher.on_put(key, message.data)
