"""A durable consumer handles each message, tries again what fails, and buries what cannot be handled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import nats.errors
import pytest
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from rte_common import jetstream
from rte_common.jetstream import Broker, Handle, Poison
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats


@asynccontextmanager
async def consuming(broker: Broker, handle: Handle) -> AsyncIterator[None]:
    """Run a consumer of the archive job's firings."""
    consumer = asyncio.create_task(jetstream.consume(broker, "JOBS", "test", "rte.jobs.>", handle))
    try:
        yield
    finally:
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)


async def dead_letter(broker: Broker) -> Msg:
    """The next message that was buried."""
    subscription = await broker.jetstream.subscribe("rte.dead.test", ordered_consumer=True)
    message: Msg = await subscription.next_msg(timeout=20)
    await subscription.unsubscribe()
    return message


async def test_what_fails_is_tried_again_later(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "RETRY_SECONDS", (0.05,))
    attempts: asyncio.Queue[int] = asyncio.Queue()

    async def fail_twice(message: Msg) -> None:
        await attempts.put(message.metadata.num_delivered)
        if message.metadata.num_delivered < 3:
            raise OSError("the database is away")

    async with consuming(broker, fail_twice):
        await broker.jetstream.publish("rte.jobs.archive", b"")
        async with asyncio.timeout(20):
            assert [await attempts.get() for _ in range(3)] == [1, 2, 3]


async def test_after_the_last_attempt_a_message_is_buried_with_its_reason(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "RETRY_SECONDS", (0.01,))
    monkeypatch.setattr(jetstream, "MAX_DELIVERIES", 3)

    async def never(message: Msg) -> None:
        raise OSError("no luck")

    async with consuming(broker, never):
        await broker.jetstream.publish("rte.jobs.archive", b"body")
        buried = await dead_letter(broker)

    assert buried.data == b"body"
    assert buried.headers is not None
    assert buried.headers["Rte-Subject"] == "rte.jobs.archive"
    assert "no luck" in buried.headers["Rte-Reason"]


async def test_poison_is_buried_at_once_and_the_next_message_is_handled(broker: Broker) -> None:
    handled: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(message: Msg) -> None:
        if message.data == b"poison":
            raise Poison("cannot be read")
        await handled.put(message.data)

    async with consuming(broker, handle):
        await broker.jetstream.publish("rte.jobs.archive", b"poison")
        await broker.jetstream.publish("rte.jobs.archive", b"fine")
        async with asyncio.timeout(20):
            assert await handled.get() == b"fine"
        buried = await dead_letter(broker)

    assert buried.headers is not None
    assert buried.headers["Rte-Reason"] == "cannot be read"


async def test_what_a_process_died_of_in_the_last_try_is_buried(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "MAX_DELIVERIES", 1)
    monkeypatch.setattr(jetstream, "ACK_WAIT_SECONDS", 1)
    began = asyncio.Event()

    async def hang(message: Msg) -> None:
        began.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(20):
        async with consuming(broker, hang):
            await broker.jetstream.publish("rte.jobs.archive", b"deadly")
            await began.wait()
        async with consuming(broker, hang):
            buried = await dead_letter(broker)

    assert buried.data == b"deadly"


async def test_a_consumer_has_the_settings_of_this_release_and_not_of_the_one_that_made_it(broker: Broker) -> None:
    old = ConsumerConfig(durable_name="test", ack_policy=AckPolicy.EXPLICIT, max_deliver=3, filter_subject="rte.jobs.>")
    await broker.jetstream.add_consumer("JOBS", old)
    handled = asyncio.Event()

    async def handle(message: Msg) -> None:
        handled.set()

    async with consuming(broker, handle), asyncio.timeout(20):
        await broker.jetstream.publish("rte.jobs.archive", b"")
        await handled.wait()
        config = (await broker.jetstream.consumer_info("JOBS", "test")).config

    assert (config.max_deliver, config.ack_wait) == (-1, jetstream.ACK_WAIT_SECONDS)


async def test_what_cannot_be_handled_is_buried_though_the_dead_letters_were_deleted(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "ACK_WAIT_SECONDS", 1)

    async def refuse(message: Msg) -> None:
        raise Poison("cannot be read\r\n" + "x" * 100_000)

    await broker.jetstream.delete_stream("DEAD")
    async with consuming(broker, refuse):
        # Headers of the broker's own are about the first publication: DEAD takes no time to live.
        await broker.jetstream.publish("rte.jobs.archive", b"body", headers={"Nats-TTL": "1h", "Own": "kept"})
        async with asyncio.timeout(20):
            while "DEAD" not in [info.config.name for info in await broker.jetstream.streams_info()]:
                await asyncio.sleep(0.05)
        buried = await dead_letter(broker)

    assert buried.headers is not None
    assert (buried.headers["Own"], buried.headers["Rte-Subject"]) == ("kept", "rte.jobs.archive")
    assert len(buried.headers["Rte-Reason"]) == jetstream.MAX_REASON


async def test_a_consumer_goes_on_after_nats_was_killed(private_nats: Callable[[], Nats]) -> None:
    server = private_nats()
    handled: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(message: Msg) -> None:
        await handled.put(message.data)

    async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
        await broker.ready()
        async with consuming(broker, handle), asyncio.timeout(60):
            await broker.jetstream.publish("rte.jobs.archive", b"before")
            assert await handled.get() == b"before"
            server.kill()
            await asyncio.to_thread(server.start)
            await _publish(broker, b"after")
            while await handled.get() != b"after":
                pass  # "before" may come twice: its ack died with the server


async def _publish(broker: Broker, body: bytes) -> None:
    """Publish as a producer does that must not lose anything: again, under the same id, until it is acknowledged."""
    while True:
        try:
            await broker.jetstream.publish("rte.jobs.archive", body, headers={"Nats-Msg-Id": body.decode()})
        except nats.errors.Error:
            continue  # NATS is starting; each attempt waits for its own time-out
        return
