"""Replay: broadcasts that are kept on request, and replayed to whoever joins the private room later."""

import asyncio
import itertools
import json
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from rte_common.jetstream import BROADCASTS_PER_ROOM
from rte_devstack.nats import Nats
from rte_realtime_gateway.protocol.frames import Broadcast, Version
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES, NOT_KEPT, KeptBroadcast, Stored
from rte_realtime_gateway.rooms.rooms import RoomName
from rte_testkit.bare_client import TOPIC, Bare, bare
from rte_testkit.gateway import OTHER_TEAM, Gateway, Members, StartGateway
from rte_testkit.gateway_world import Client, World, kind3
from rte_testkit.official_clients import StartClient

PRIVATE: dict[str, Any] = {"private": True, "changes": []}
ALL: dict[str, Any] = {"broadcast": {"replay": {"since": 0}}}


class Store:
    """The broker's part: it takes what is to be kept at once, unless it is away."""

    def __init__(self, world: World) -> None:
        self.away = False
        self._world = world
        self._sequence = 0
        world.peers.storage = self

    def store(self, room: RoomName, broadcast: Broadcast, seconds: int, stored: Stored) -> None:
        if not self.away:
            self._sequence += 1
            now = self._world.clock.now()
            self._world.hub.replay.publish(self._sequence, room, KeptBroadcast(broadcast, now, now + seconds))
        stored(not self.away)


def persist(client: Client, payload: Any, persist: Any = True) -> None:
    meta, body = json.dumps({"persist": persist}).encode(), json.dumps(payload).encode()
    client.session.receive(kind3("1", "9", TOPIC, "note", meta, 1, body))


def heard(client: Client) -> list[tuple[Any, dict[str, Any]]]:
    """Payload and metadata of the broadcasts, in the order of text and then binary frames."""
    told = [said.payload for said in client.heard() if said.event == "broadcast"]
    binary, client.binary = client.binary, []
    return [(one["payload"], one["meta"]) for one in told] + [_read(frame) for frame in binary]


def _read(frame: bytes) -> tuple[Any, dict[str, Any]]:
    """Payload and metadata of a frame of kind 4."""
    kind, topic, event, meta, encoding = frame[:5]
    start = 5 + topic + event
    assert (kind, encoding) == (4, 1)
    return json.loads(frame[start + meta :]), json.loads(frame[start : start + meta])


@pytest.mark.parametrize("version", Version)
def test_who_joins_later_gets_the_newest_with_the_ids_that_the_others_have_seen(version: Version) -> None:
    world = World()
    Store(world)
    sender = world.member(broadcast={"ack": True}, **PRIVATE)
    listener = world.member(version, "user_maria", **PRIVATE)
    for number in range(30):
        persist(sender, {"n": number})
        world.clock.advance(1)
    replies = [said.payload for said in sender.heard() if said.event == "phx_reply"]
    live = heard(listener)
    assert [payload["n"] for payload, _ in live] == list(range(30))
    assert [meta["id"] for _, meta in live] == [reply["response"]["id"] for reply in replies]
    late = world.client(version)
    late.join(token=world.tokens.token("user_sophia"), **PRIVATE, **ALL)
    assert heard(late) == [(payload, {"replayed": True, **meta}) for payload, meta in live[-BROADCASTS_PER_ROOM:]]


def test_a_join_says_since_when_and_how_many() -> None:
    world = World()
    Store(world)
    sender = world.member(**PRIVATE)
    times = []
    for number in range(6):
        world.clock.advance(10)
        times.append(int(world.clock.now() * 1000))
        persist(sender, number, {"ttl": 3600} if number < 5 else {"ttl": 5})

    def replayed(**replay: Any) -> list[int]:
        client = world.client()
        client.join(token=world.tokens.token("user_maria"), broadcast={"replay": replay}, **PRIVATE)
        return [payload for payload, _ in heard(client)]

    assert replayed(since=times[2]) == [3, 4, 5]
    assert replayed(since=times[0], limit=2) == [4, 5]
    assert replayed(since=0, limit=999) == [0, 1, 2, 3, 4, 5]
    world.clock.advance(6)
    assert replayed(since=0) == [0, 1, 2, 3, 4], "kept for as long as its sender asked"
    world.clock.advance(3600)
    world.hub.prune()
    assert replayed(since=0) == []


def test_rooms_of_two_teams_and_public_ones_never_meet() -> None:
    world = World()
    Store(world)
    ours, public = world.member(**PRIVATE), world.member(changes=[])
    persist(ours, "ours")
    persist(public, "not kept in a public room")
    theirs = world.client()
    theirs.join(token=world.tokens.token("user_eve", team=OTHER_TEAM), **PRIVATE, **ALL)
    assert heard(theirs) == []
    again = world.client()
    again.join(token=world.tokens.token("user_maria"), **PRIVATE, **ALL)
    assert [payload for payload, _ in heard(again)] == ["ours"]


@pytest.mark.parametrize(
    ("private", "replay"),
    [
        (False, {"since": 0}),
        (True, {}),
        (True, {"since": "yesterday"}),
        (True, {"since": 0, "limit": "none"}),
        (True, "all"),
    ],
)
def test_a_replay_that_cannot_be_granted_is_refused_with_the_real_servers_code(private: bool, replay: Any) -> None:
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(), private=private, broadcast={"replay": replay})
    (refusal,) = client.heard()
    assert refusal.payload["response"]["reason"].startswith("UnableToReplayMessages: ")


def test_what_cannot_be_kept_is_heard_all_the_same_and_what_is_too_large_is_refused() -> None:
    world = World()
    store = Store(world)
    sender, listener = world.member(broadcast={"ack": True}, **PRIVATE), world.member(user="user_maria", **PRIVATE)
    persist(sender, "x" * MAX_KEPT_BYTES)
    store.away = True
    persist(sender, "while the broker is away")
    reasons = [said.payload["response"]["reason"] for said in sender.heard() if said.event == "phx_reply"]
    assert [reason.split(":")[0] for reason in reasons] == ["TooLargeToPersist", "UnableToPersistMessage"]
    assert [payload for payload, _ in heard(listener)] == ["while the broker is away"]
    assert heard(sender) == [], "its own it does not hear"


def test_a_slow_member_is_replayed_what_it_takes() -> None:
    world = World()
    Store(world)
    sender = world.member(**PRIVATE)
    for number in range(3):
        persist(sender, number)
    slow = world.client()
    slow.session.rewire(lagging=True)
    slow.join(token=world.tokens.token("user_maria"), **PRIVATE, **ALL)
    assert heard(slow) == []
    slow.session.rewire(lagging=False)
    assert [payload for payload, _ in heard(slow)] == [0, 1, 2]


def test_who_reads_nothing_and_joins_again_and_again_keeps_no_replays() -> None:
    world = World()
    Store(world)
    sender = world.member(**PRIVATE)
    for _ in range(BROADCASTS_PER_ROOM):
        persist(sender, "x" * (MAX_KEPT_BYTES - 2))
    slow = world.client()
    slow.session.rewire(lagging=True)
    token = world.tokens.token("user_maria")
    tracemalloc.start()
    try:
        for _ in range(50):
            slow.join(token=token, **PRIVATE, **ALL)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MAX_KEPT_BYTES * BROADCASTS_PER_ROOM, "less than one replay"
    slow.session.rewire(lagging=False)
    assert len(heard(slow)) == BROADCASTS_PER_ROOM, "of the channel that is joined"


# With a real broker


async def hear_numbered(client: Bare, count: int) -> list[tuple[int, bool]]:
    """So many broadcasts: the payload, and whether it was replayed."""
    numbers: list[tuple[int, bool]] = []
    async with asyncio.timeout(20):
        async for frame in client.socket:
            if isinstance(frame, bytes):
                payload, meta = _read(frame)
                numbers.append((payload, meta.get("replayed", False)))
            if len(numbers) == count:
                break
    return numbers


async def test_what_is_kept_outlives_the_broker_and_reaches_every_gateway(
    private_nats: Callable[[], Nats], start_gateway: StartGateway, members: Members
) -> None:
    nats = private_nats()
    first, second = start_gateway(nats.url), start_gateway(nats.url)
    token = members.token("user_alex", lifetime=600)
    replay = {"private": True, "broadcast": {"ack": True, "replay": {"since": 0}}}
    async with bare(first.websocket_url()) as sender, bare(second.websocket_url()) as listener:
        for client in (sender, listener):
            await client.join(token, **replay)
        for number in range(5):
            await _say(sender, number)
        assert await hear_numbered(listener, 5) == [(number, False) for number in range(5)]
        await asyncio.to_thread(nats.kill)
        await asyncio.to_thread(nats.start)
    await asyncio.to_thread(second.stop)
    await asyncio.to_thread(second.start)
    for gateway in (first, second):
        async with bare(gateway.websocket_url()) as late:
            await late.say("phx_join", {"config": replay, "access_token": token})
            assert await hear_numbered(late, 5) == [(number, True) for number in range(5)]


async def test_who_joins_while_much_is_said_misses_nothing_and_hears_nothing_twice(
    start_gateway: StartGateway, members: Members, team: str
) -> None:
    """The last 25 are replayed and the others come live: without a gap between the two, and without an overlap."""
    gateways = [start_gateway(), start_gateway()]
    token = members.token("user_alex", team=team, lifetime=600)
    async with bare(gateways[0].websocket_url()) as sender:
        await sender.join(token, private=True, broadcast={"ack": True})
        for number in range(5):
            await _say(sender, number)
        saying = asyncio.create_task(_say_on(sender))
        for turn in range(20):
            async with bare(gateways[turn % 2].websocket_url()) as late:
                replay = {"private": True, "broadcast": {"replay": {"since": 0, "limit": 5}}}
                await late.say("phx_join", {"config": replay, "access_token": token})
                numbers, replayed = zip(*await hear_numbered(late, 15), strict=True)
                assert list(numbers) == list(range(numbers[0], numbers[0] + 15))
                assert replayed == (True,) * 5 + (False,) * 10
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


async def _say_on(sender: Bare) -> None:
    for number in itertools.count(5):
        await _say(sender, number)


async def _say(sender: Bare, number: int) -> None:
    """Have a broadcast kept, and wait until it is."""
    await sender.socket.send(kind3("1", "9", TOPIC, "n", b'{"persist":true}', 1, b"%d" % number))
    assert (await sender.hear("phx_reply"))["status"] == "ok"


async def test_the_official_client_is_replayed_what_was_sent_over_http(
    gateway: Gateway, client: StartClient, members: Members, team: str
) -> None:
    token = members.token("user_alex", team=team)
    path = f"/api/broadcast/{quote('expectations:active', safe='')}/events/note"
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as http:
        answers = [
            await http.post(f"{path}?private=true&{query}", json={"n": number})
            for number, query in enumerate(("persist=true", "persist=false", "persist[ttl]=600", "persist=true"))
        ]
        large = await http.post(f"{path}?private=true&persist=true", json={"text": "x" * MAX_KEPT_BYTES})
    assert [answer.status_code for answer in (*answers, large)] == [202, 202, 202, 202, 413]
    replay = {"private": True, "broadcast": {"replay": {"since": 1, "limit": 10}}}
    maria = await client("js-2.109", topic="expectations:active", token=token, config=replay)
    await maria.heard("broadcast", 3)
    assert [report["payload"] for report in maria.all("broadcast")] == [{"n": 0}, {"n": 2}, {"n": 3}]
    assert all(report["meta"]["replayed"] and report["meta"]["id"] for report in maria.all("broadcast"))


async def test_over_http_a_sender_is_told_that_nothing_was_kept(
    private_nats: Callable[[], Nats], start_gateway: StartGateway, members: Members
) -> None:
    nats = private_nats()
    gateway = start_gateway(nats.url)
    path = f"/api/broadcast/{quote('expectations:active', safe='')}/events/note?private=true&persist=true"
    headers = {"Authorization": f"Bearer {members.token('user_alex')}"}
    async with (
        bare(gateway.websocket_url()) as listener,
        httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as http,
    ):
        await listener.join(members.token("user_maria"), private=True)
        await asyncio.to_thread(nats.kill)
        answer = await http.post(path, json={"n": 1})
        assert (answer.status_code, answer.json()) == (503, {"message": NOT_KEPT})
        assert (await listener.hear("broadcast"))["payload"] == {"n": 1}
