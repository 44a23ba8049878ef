"""Messages of a join that a later one has replaced: an application made a new channel before the old one was gone."""

import pytest

from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.rooms.rooms import DIFF_SECONDS
from rte_testkit.gateway_world import TOPIC, Client, World

OK = {"status": "ok", "response": {}}


def joined_again(version: Version = Version.V2) -> tuple[World, Client, str, str]:
    """A client that joined twice, and the numbers of its joins."""
    world = World()
    client = world.client(version)
    joins = [client.join(token=world.tokens.token(lives=60), broadcast={"ack": True}) for _ in range(2)]
    client.heard()
    return world, client, joins[0], joins[1]


@pytest.mark.parametrize("version", Version)
def test_a_late_leave_ends_nothing(version: Version) -> None:
    world, client, first, second = joined_again(version)
    ref = client.say("phx_leave", {}, join_ref=first)
    assert [(said.ref, said.event, said.payload) for said in client.heard()] == [(ref, "phx_reply", OK)]
    world.change(title="still here")
    assert client.heard_changes() == ["still here"]
    client.say("phx_leave", {}, join_ref=second)
    assert client.heard_events() == ["phx_reply", "phx_close"]


def test_a_late_leave_leaves_nothing_behind_for_the_return() -> None:
    """The position of the channel that goes on is not that of one that was left."""
    world = World()
    client = world.member(session="5f0c2f7e-tab")
    second = client.join(token=world.tokens.token())
    client.say("phx_leave", {}, join_ref="1")
    client.answer_pings()
    client.session.ended()
    world.change(title="missed")
    back = world.client(session="5f0c2f7e-tab")
    back.join(token=world.tokens.token())
    assert back.heard_changes() == ["missed"], f"after join {second}"


def test_late_presence_changes_nothing_and_says_so() -> None:
    world, client, first, second = joined_again()
    watcher = world.member(user="user_maria")
    client.say("presence", {"event": "track", "payload": {"on": "new"}}, join_ref=second)
    world.clock.advance(DIFF_SECONDS)
    assert watcher.heard_events() == ["presence_diff"]
    client.heard()
    for payload in {"event": "track", "payload": {"on": "old"}}, {"event": "untrack"}:
        client.say("presence", payload, join_ref=first)
        world.clock.advance(DIFF_SECONDS)
        (reply,) = client.heard()
        assert reply.payload["response"]["reason"].startswith("StaleJoin: ")
    assert watcher.heard_events() == []


def test_a_late_token_does_not_replace_the_newer() -> None:
    world, client, first, second = joined_again()
    client.say("access_token", {"access_token": world.tokens.token(lives=300)}, join_ref=second)
    client.say("access_token", {"access_token": world.tokens.token(lives=1)}, join_ref=first)
    for _ in range(4):
        world.pass_time(50)
        client.say("heartbeat", {}, topic="phoenix")
    assert set(client.heard_events()) == {"phx_reply"}, "it did not end"


def test_what_the_older_channel_says_to_the_room_is_heard_and_acknowledged_to_it() -> None:
    world, client, first, _ = joined_again()
    listener = world.member(user="user_maria")
    ref = client.say("broadcast", {"event": "x", "payload": {}}, join_ref=first)
    assert listener.heard_events() == ["broadcast"]
    assert [(said.ref, said.join_ref) for said in client.heard()] == [(ref, first)], "realtime-js drops any other"


def test_numbers_of_messages_may_be_integers_and_are_repeated_as_such() -> None:
    world = World()
    client = world.client()
    token = world.tokens.token()
    client.session.receive(f'[1,2,"{TOPIC}","phx_join",{{"access_token":"{token}"}},"a sixth"]')
    client.session.receive(f'[1,3,"{TOPIC}","phx_leave",{{}}]')
    replies = [(said.join_ref, said.ref, said.event) for said in client.heard() if said.event.startswith("phx")]
    assert replies == [(1, 2, "phx_reply"), (1, 3, "phx_reply"), (1, 1, "phx_close")]


@pytest.mark.parametrize("ref", ["true", "1.5", "-1", "[]", "1e400", str(2**53)])
def test_other_numbers_are_refused(ref: str) -> None:
    client = World().client()
    client.session.receive(f'[null,{ref},"phoenix","heartbeat",{{}}]')
    assert client.heard()[0].payload["status"] == "error"
