"""What is committed reaches JetStream: once, in order, whatever dies on the way."""

import asyncio
import json
from collections.abc import Callable

import nats.errors
import pytest

from rte_common import database, jetstream, outbox
from rte_common.database import Database
from rte_common.jetstream import Broker
from rte_common.settings import NatsSettings
from rte_devstack import testing
from rte_devstack.nats import Nats

from .conftest import member, settings_for

EVENTS = 12


async def rename_ben(api_database: Database, times: int) -> list[str]:
    """Make events whose order is known: time zones UTC+0, UTC+1, ... of Ben."""
    zones = [f"Etc/GMT-{number}" for number in range(times)]
    for zone in zones:
        async with api_database.acting_as(member("ben")) as connection:
            await connection.execute("update users set timezone = $1 where id = 'ben'", zone)
    return zones


async def published_zones(broker: Broker) -> list[str]:
    """The time zones in the stream, in its order."""
    state = (await broker.jetstream.stream_info("EVENTS")).state
    messages = [await broker.jetstream.get_msg("EVENTS", seq) for seq in range(state.first_seq, state.last_seq + 1)]
    return [json.loads(message.data or b"")["record"]["timezone"] for message in messages]


class DiesAt(Exception):
    """The process died here."""


async def test_a_crash_between_publish_and_commit_leaves_one_copy_each(
    api_database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = await rename_ben(api_database, EVENTS)
    publish = broker.jetstream.publish
    calls = 0

    async def publish_and_die(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        answer = await publish(*args, **options)  # type: ignore[arg-type]
        if calls == 3:
            raise DiesAt
        return answer

    monkeypatch.setattr(broker.jetstream, "publish", publish_and_die)
    with pytest.raises(DiesAt):
        await outbox.relay_batch(api_database, broker)
    assert await outbox.relay_batch(api_database, broker) == EVENTS

    assert await published_zones(broker) == zones


async def test_when_one_publish_fails_those_before_it_are_not_sent_again(
    teams: testing.Database, api_database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = await rename_ben(api_database, 4)
    publish = broker.jetstream.publish
    calls = 0

    async def refuse_the_third(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise nats.errors.TimeoutError
        return await publish(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(broker.jetstream, "publish", refuse_the_third)
    with pytest.raises(nats.errors.TimeoutError):
        await outbox.relay_batch(api_database, broker)
    assert teams.execute("select count(*) from outbox") == "2"
    await outbox.relay_batch(api_database, broker)

    assert await published_zones(broker) == zones


async def test_two_relays_at_once_send_each_event_once_and_in_order(
    teams: testing.Database, api_database: Database, broker: Broker
) -> None:
    zones = await rename_ben(api_database, EVENTS)
    async with database.connect(settings_for(teams.url("rte_jobs")), application_name="test-jobs") as other:
        relayed = await asyncio.gather(outbox.relay_batch(api_database, broker), outbox.relay_batch(other, broker))

    assert sorted(relayed) == [0, EVENTS]
    assert await published_zones(broker) == zones


async def test_events_written_while_nats_is_away_arrive_once_and_in_order_when_it_is_back(
    api_database: Database, private_nats: Callable[[], Nats]
) -> None:
    server = private_nats()
    async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
        await broker.ready()
        relay = asyncio.create_task(outbox.run(api_database, broker))
        try:
            server.kill()
            zones = await rename_ben(api_database, EVENTS)
            server.start()
            subscription = await _subscribe(broker)
            arrived = [json.loads((await subscription.next_msg(timeout=30)).data) for _ in zones]
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)

    assert [event["record"]["timezone"] for event in arrived] == zones


async def _subscribe(broker: Broker) -> nats.js.JetStreamContext.PushSubscription:
    while True:
        try:
            return await broker.jetstream.subscribe("rte.events.>", ordered_consumer=True)
        except nats.errors.Error:
            await asyncio.sleep(0.1)  # NATS is starting


async def test_a_commit_is_relayed_at_once_without_waiting_for_the_next_poll(
    api_database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_SECONDS", 3600)
    subscription = await broker.jetstream.subscribe("rte.events.>", ordered_consumer=True)
    relay = asyncio.create_task(outbox.run(api_database, broker))
    try:
        for zone in await rename_ben(api_database, 3):
            event = json.loads((await subscription.next_msg(timeout=10)).data)
            assert event["record"]["timezone"] == zone
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        await subscription.unsubscribe()
