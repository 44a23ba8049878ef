"""A stream that somebody deleted is made again by whoever consumes it."""

import asyncio
from collections.abc import Callable

from nats.aio.msg import Msg

from rte_common import jetstream
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats


async def test_a_durable_consumer_has_its_deleted_stream_made_again(private_nats: Callable[[], Nats]) -> None:
    settings = NatsSettings(nats_url=(private_nats().url,))
    handled: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(message: Msg) -> None:
        await handled.put(message.data)

    async with jetstream.connect(settings, name="test") as broker:
        await broker.ready()
        consumer = asyncio.create_task(jetstream.consume(broker, "JOBS", "test", "rte.jobs.>", handle))
        await broker.jetstream.publish("rte.jobs.archive", b"before")
        async with asyncio.timeout(20):
            assert await handled.get() == b"before"
            await broker.jetstream.delete_stream("JOBS")
            while "JOBS" not in [info.config.name for info in await broker.jetstream.streams_info()]:
                await asyncio.sleep(0.05)
            await broker.jetstream.publish("rte.jobs.archive", b"after")
            assert await handled.get() == b"after"
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
