"""A stream that somebody deleted is made again by whoever consumes it."""

import asyncio
import shutil
from collections.abc import Callable

import nats.errors
from nats.aio.msg import Msg

from rte_common import jetstream
from rte_common.jetstream import Broker
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


async def test_a_broker_that_comes_back_empty_gets_every_stream_again(private_nats: Callable[[], Nats]) -> None:
    server = private_nats()
    async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
        await broker.ready()
        await asyncio.to_thread(server.stop)
        shutil.rmtree(server.data)
        await asyncio.to_thread(server.start)
        wanted = {stream.name for stream in jetstream.STREAMS}
        async with asyncio.timeout(30):
            while not await _has(broker, wanted):
                await asyncio.sleep(0.05)


async def _has(broker: Broker, streams: set[str | None]) -> bool:
    try:
        return {info.config.name for info in await broker.jetstream.streams_info()} == streams
    except nats.errors.Error:
        return False  # it is not back yet
