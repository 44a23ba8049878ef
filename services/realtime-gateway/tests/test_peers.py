"""What the peers know together: entries of a killed one end by the broker's clock, and a stop waits for nobody."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import nats.errors
import pytest
import pytest_asyncio
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError

from rte_common import jetstream
from rte_common.jetstream import Broker
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats
from rte_realtime_gateway.access.readiness import Readiness
from rte_realtime_gateway.broker import shared_presence
from rte_realtime_gateway.broker.broadcast_relay import MAX_OUTGOING_BYTES, SUBJECT, BroadcastRelay
from rte_realtime_gateway.broker.key_value import KeyValue, Watcher
from rte_realtime_gateway.broker.shared_positions import POSITIONS_STORE, SharedPositions, UnsharedPositions
from rte_realtime_gateway.broker.shared_presence import PRESENCE_STORE, OwnPresences, SharedPresence
from rte_realtime_gateway.changes.positions import Positions
from rte_realtime_gateway.protocol.frames import Broadcast
from rte_realtime_gateway.rooms.presence import Entry
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms
from rte_realtime_gateway.server import upkeep
from rte_testkit.gateway_world import KEPT_SECONDS, Alone

ROOM = RoomName("org_harbour", "realtime:expectations:active", False)
ENTRY = Entry("maria", "ref", "user_maria", b'{"user_id":"user_maria"}', "killed")
IGNORING = Watcher(lambda key, value: None, lambda key: None, lambda: None, lambda: None)


@pytest_asyncio.fixture(loop_scope="session")
async def broker(private_nats: Callable[[], Nats]) -> AsyncIterator[Broker]:
    async with jetstream.connect(NatsSettings(nats_url=(private_nats().url,)), name="test") as broker:
        await broker.ready()
        yield broker


@asynccontextmanager
async def peer(broker: Broker, name: str) -> AsyncIterator[tuple[Rooms, OwnPresences]]:
    store = KeyValue(broker, PRESENCE_STORE, ttl=shared_presence.GHOST_SECONDS, stream_replicas=1)
    own = OwnPresences(store, name)
    rooms = Rooms(asyncio.get_running_loop().call_later, Alone(), own)
    running = asyncio.create_task(SharedPresence(store, own, rooms, Readiness()).run())
    yield rooms, own
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until_present(rooms: Rooms, present: bool) -> None:
    async with asyncio.timeout(15):
        while (ENTRY.id in rooms.named(ROOM).presence.entries) is not present:
            await asyncio.sleep(0.02)


async def test_entries_of_a_killed_peer_end_also_where_they_were_read_late(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_presence, "GHOST_SECONDS", 3.0)
    monkeypatch.setattr(shared_presence, "REFRESH_SECONDS", 60.0)  # only the broker knows how old an entry is
    async with peer(broker, "witness") as (witness, _):
        async with peer(broker, "killed") as (_, killed):
            killed.present(ROOM, ENTRY)
            await until_present(witness, True)
        async with peer(broker, "started later") as (late, _):
            await until_present(late, True)
            await until_present(witness, False)
            await until_present(late, False)


async def test_a_store_that_was_made_with_other_settings_is_changed(broker: Broker) -> None:
    older = StreamConfig(
        name="KV_older", subjects=["$KV.older.>"], storage=StorageType.MEMORY, max_age=500, allow_msg_ttl=True
    )
    await broker.jetstream.add_stream(older)
    loaded = asyncio.Event()
    watcher = Watcher(IGNORING.on_put, IGNORING.on_delete, IGNORING.on_reset, loaded.set)
    running = asyncio.create_task(KeyValue(broker, "older", ttl=5, stream_replicas=1).run(watcher))
    async with asyncio.timeout(10):
        await loaded.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not (await broker.jetstream.stream_info("KV_older")).config.max_age


async def test_what_cannot_be_written_at_the_end_is_given_up_at_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(subject: str, payload: bytes, **more: object) -> None:
        raise nats.errors.OutboundBufferLimitError

    store = KeyValue(broker, "unwritten", ttl=5, stream_replicas=1)
    for number in range(100):
        store.put(str(number), b"")
    monkeypatch.setattr(broker.client, "publish", full)
    async with asyncio.timeout(1):
        await store.flush()


async def test_no_hand_over_waits_for_one_that_hangs() -> None:
    told = asyncio.Event()

    async def hang() -> None:
        await asyncio.Event().wait()

    async def tell() -> None:
        told.set()

    handing = asyncio.create_task(upkeep.hand_over(hang, tell))
    await asyncio.wait_for(told.wait(), upkeep.HAND_OVER_SECONDS / 2)
    handing.cancel()
    await asyncio.gather(handing, return_exceptions=True)


@pytest.mark.parametrize("trouble", ["hangs", "fails"])
async def test_the_rest_is_handed_over_when_one_part_cannot_be(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "HAND_OVER_SECONDS", 0.05)
    told = asyncio.Event()

    async def cannot() -> None:
        if trouble == "fails":
            raise nats.errors.ConnectionClosedError
        await asyncio.Event().wait()

    async def tell() -> None:
        told.set()

    await upkeep.hand_over(cannot, tell)
    assert told.is_set()


async def test_a_value_that_is_too_large_for_the_broker_does_no_harm_to_the_others(broker: Broker) -> None:
    seen: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    loaded = asyncio.Event()
    watcher = Watcher(lambda key, value: seen.put_nowait((key, value)), lambda key: None, lambda: None, loaded.set)
    store = KeyValue(broker, "full", ttl=60, stream_replicas=1)
    running = asyncio.create_task(store.run(watcher))
    await asyncio.wait_for(loaded.wait(), 15)
    for size in broker.client.max_payload, 2 * broker.client.max_payload:
        store.put("large", bytes(size))
        store.put("small", b"%d" % size)
        async with asyncio.timeout(15):
            assert await seen.get() == ("small", b"%d" % size)
    assert broker.client.stats["reconnects"] == 0
    assert not store._unwritten
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_written_at_the_end_while_more_is_written_is_written_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    async def publish(subject: str, value: bytes, headers: dict[str, str]) -> None:
        await asyncio.sleep(0)  # as when the connection takes less than is written
        written.append(subject)

    store = KeyValue(broker, "busy", ttl=60, stream_replicas=1)
    monkeypatch.setattr(broker.client, "publish", publish)
    for key in "abc":
        store.put(key, b"")
    await asyncio.gather(store.flush(), store._write_some(3))
    assert sorted(written) == ["$KV.busy.a", "$KV.busy.b", "$KV.busy.c"]


async def test_broadcasts_for_a_broker_that_takes_none_wait_only_up_to_a_limit(broker: Broker) -> None:
    relay = BroadcastRelay(broker, "me")
    listener = await broker.client.subscribe(SUBJECT)
    room, large = RoomName("team", "realtime:expectations:active", private=False), bytes(1 << 20)[:-1000]
    for _ in range(3 * MAX_OUTGOING_BYTES // len(large)):
        relay.broadcast(room, Broadcast("wave", large))
    relaying = asyncio.create_task(relay.run())
    for _ in range(MAX_OUTGOING_BYTES // len(large) - 1):
        await listener.next_msg(timeout=15)
    relay.broadcast(room, Broadcast("again", b"{}"))
    async with asyncio.timeout(15):
        left = 1
        while b'"again"' not in (await listener.next_msg(timeout=15)).data[:200]:
            left += 1
    assert left <= 2, "what was too much was not kept"
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


async def test_when_positions_are_shared_the_broker_was_given_them_or_is_away(private_nats: Callable[[], Nats]) -> None:
    server = private_nats()
    async with jetstream.connect(NatsSettings(nats_url=(server.url,)), name="test") as broker:
        await broker.ready()
        unshared, readiness = UnsharedPositions(), Readiness()
        positions = Positions(unshared, KEPT_SECONDS)
        store = KeyValue(broker, POSITIONS_STORE, ttl=KEPT_SECONDS, stream_replicas=1)
        sharing = asyncio.create_task(SharedPositions(store, unshared, positions, readiness, "me").run())
        positions.reset("stream")
        async with asyncio.timeout(15):
            while "positions" in str(await readiness.check()):
                await asyncio.sleep(0.02)

        async def share(offset: int) -> None:
            told = asyncio.Event()
            positions.advance("abcdef", "topic", offset)
            positions.share_now(told.set)
            await asyncio.wait_for(told.wait(), 10)

        async def known() -> object:
            subject = f"$KV.{POSITIONS_STORE}.me.ab.stream"
            try:
                message = await broker.jetstream.get_last_msg(f"KV_{POSITIONS_STORE}", subject)
            except NotFoundError:
                return None
            return json.loads(message.data or b"")

        for offset in range(1, 20):
            await share(offset)
            # The broker answers a flush before its stream has stored what came before it.
            async with asyncio.timeout(5):
                while await known() != {"abcdef": {"topic": offset}}:
                    continue
        await asyncio.to_thread(server.stop)
        await share(20)
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)
