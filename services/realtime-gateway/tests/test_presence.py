"""Presence of a crowd, told part by part, and of one member in two tabs."""

import json
import random
from typing import Any

import pytest

from rte_realtime_gateway.protocol.frames import MAX_FRAME_BYTES
from rte_realtime_gateway.rooms import presence
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES, PART_BYTES, Entry, Presence
from rte_realtime_gateway.rooms.rooms import DIFF_SECONDS, Room, RoomName
from rte_testkit.gateway import TEAM
from rte_testkit.gateway_world import TOPIC, Client, World

CROWD = 3_000
"""So many take several messages."""


def room_of(world: World) -> Room:
    return world.hub.rooms.named(RoomName(TEAM, TOPIC, False))


def entry(number: int, size: int = 300) -> Entry:
    """Somebody present with a peer."""
    return Entry(
        f"member {number:05}", f"ref {number}", "user_maria", json.dumps({"text": "x" * size}).encode(), "another"
    )


def crowd(world: World, size: int = 300, count: int = CROWD) -> None:
    for number in range(count):
        world.hub.rooms.present_elsewhere(room_of(world).name, entry(number, size))
    world.clock.advance(DIFF_SECONDS)


def seen(client: Client, state: dict[str, set[str]]) -> list[str]:
    """Bring a client's picture up to date as client libraries do; returns who joined."""
    joined: list[str] = []
    for said in client.heard_already():
        if said.event == "presence_state":
            assert state == {}
            _join(said.payload, state, joined)
        elif said.event == "presence_diff":
            _join(said.payload["joins"], state, joined)
            for key, left in said.payload["leaves"].items():
                state.get(key, set()).difference_update(meta["phx_ref"] for meta in left["metas"])
    return joined


def _join(presences: dict[str, Any], state: dict[str, set[str]], joined: list[str]) -> None:
    for key, told in presences.items():
        refs = {meta["phx_ref"] for meta in told["metas"]}
        assert not refs & state.setdefault(key, set()), "told twice"
        state[key] |= refs
        joined.append(key)


def test_a_crowd_is_told_in_messages_that_clients_take_and_everybody_once() -> None:
    world = World()
    crowd(world, MAX_META_BYTES)
    client = world.client()
    client.join(token=world.tokens.token())
    first = len(client.wire.data)
    assert PART_BYTES < first < 2 * PART_BYTES < MAX_FRAME_BYTES
    state: dict[str, set[str]] = {}
    told = seen(client, state)
    assert len(told) < CROWD, "the others have their turns in between"
    world.clock.advance()
    assert told + seen(client, state) == [f"member {number:05}" for number in range(CROWD)]


def test_who_reads_slowly_is_told_a_part_whenever_it_has_read_the_one_before() -> None:
    world = World()
    crowd(world)
    client = world.client()
    client.join(token=world.tokens.token())
    state: dict[str, set[str]] = {}
    told = len(seen(client, state))
    while told < CROWD:
        client.session.rewire(lagging=True)
        world.clock.advance(1)
        assert seen(client, state) == [], "it has not read the part before"
        client.session.rewire(lagging=False)
        told += (more := len(seen(client, state)))
        assert 0 < more < CROWD / 2


def test_whoever_comes_and_goes_meanwhile_is_told_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "PART_BYTES", 1_000)
    chance = random.Random(7)
    world = World()
    crowd(world, count=300)
    name = room_of(world).name
    client = world.client()
    client.join(token=world.tokens.token())
    client.session.rewire(lagging=True)
    state: dict[str, set[str]] = {}
    for _ in range(150):
        for _ in range(chance.randrange(40)):
            somebody = entry(chance.randrange(330))
            if chance.random() < 0.5:
                world.hub.rooms.absent_elsewhere(name, somebody)
            else:
                world.hub.rooms.present_elsewhere(name, somebody)
        if chance.random() < 0.5:
            world.clock.advance(chance.choice((0, DIFF_SECONDS)))
        client.session.rewire(lagging=False)
        client.session.rewire(lagging=True)
        seen(client, state)
    client.session.rewire(lagging=False)
    world.clock.advance(DIFF_SECONDS)
    seen(client, state)
    world.clock.advance()
    seen(client, state)
    present = room_of(world).presence.entries
    assert {(key, ref) for key, refs in state.items() for ref in refs} == present.keys()


def test_who_is_back_before_anybody_was_told_of_the_leaving_is_told_to_who_is_behind() -> None:
    presence = Presence()
    presence.put(entry(1))
    list(presence.take_diffs())
    cursor = presence.cursor()
    presence.remove(entry(1).id)
    part = presence.next_part(cursor)
    presence.put(entry(1))
    assert (list(part), list(presence.take_diffs())) == (["member 00001"], [])


def test_the_second_of_two_tabs_with_a_copied_session_id_ends_alone() -> None:
    world = World()
    watcher = world.member(user="user_sophia")
    tabs = [world.member(user="user_maria", session="copied-with-its-tab", presence={"key": "maria"}) for _ in range(2)]
    for tab in tabs:
        tab.say("presence", {"event": "track", "payload": {"on": "it"}})
    world.clock.advance(DIFF_SECONDS)
    assert watcher.heard_events() == ["presence_diff"]
    tabs[0].say("presence", {"event": "untrack"})
    world.pass_time(10)
    assert watcher.heard_events() == []
    tabs[1].say("presence", {"event": "untrack"})
    world.clock.advance(DIFF_SECONDS)
    assert watcher.heard_events() == ["presence_diff"]


def test_one_alone_is_told_at_once_and_a_crowd_in_few_messages() -> None:
    world = World()
    watcher = world.member(user="user_sophia")
    name = room_of(world).name
    told = []
    for number in range(200):
        world.hub.rooms.present_elsewhere(name, entry(number, 10))
        world.clock.advance(DIFF_SECONDS / 100)
        told.append(len(watcher.heard_already()))
    assert told[0] == 1
    assert sum(told) <= 4
