"""Who may do what, and that two teams never meet."""

from typing import Any

import pytest

from rte_realtime_gateway.protocol.frames import Version
from rte_testkit.gateway_world import ALL, TOPIC, Client, World

OWN, OTHERS = "realtime:expectations:user:user_alex", "realtime:expectations:user:user_maria"
READ_WRITE, READ, NOTHING = "reads and writes", "reads", "is refused"


def may(world: World, topic: str, token: str) -> str:
    client = world.client()
    client.join(topic, token=token, broadcast={"ack": True})
    if client.heard()[0].payload["status"] == "error":
        return NOTHING
    ref = client.say("broadcast", {"event": "x", "payload": {}}, topic=topic)
    (reply,) = [said for said in client.heard() if said.ref == ref]
    return READ_WRITE if reply.payload["status"] == "ok" else READ


@pytest.mark.parametrize(
    ("topic", "who", "expected"),
    [
        (TOPIC, {}, READ_WRITE),
        (TOPIC, {"role": None}, READ_WRITE),
        (TOPIC, {"impersonator": "user_support"}, READ),
        (OWN, {}, READ_WRITE),
        (OWN, {"impersonator": "user_support"}, READ),
        (OTHERS, {}, NOTHING),
        (OTHERS, {"role": None}, NOTHING),
        (OTHERS, {"role": "admin"}, READ),
        ("realtime:expectations:user:", {"role": "admin"}, NOTHING),
        ("realtime:*", {"role": "admin"}, NOTHING),
        ("realtime:", {}, NOTHING),
        ("elsewhere", {}, NOTHING),
    ],
)
def test_a_channel_admits_exactly_who_may(topic: str, who: dict[str, Any], expected: str) -> None:
    world = World()
    assert may(world, topic, world.tokens.token("user_alex", **who)) == expected


@pytest.mark.parametrize("token", ["header.forged.signature", "a.b.c"])
def test_a_bad_token_is_refused_with_its_reason(token: str) -> None:
    world = World()
    client = world.client()
    client.join(token=token)
    assert [said.payload["response"]["reason"] for said in client.heard()] == [
        "JwtSignatureError: The token's signature does not match"
    ]


def test_a_members_channel_carries_that_members_changes_only() -> None:
    world = World()
    alex, admin = world.client(), world.client()
    alex.join(OWN, token=world.tokens.token("user_alex"))
    admin.join(OTHERS, token=world.tokens.token("user_boss", role="admin"))
    alex.heard(), admin.heard()
    world.change(user_id="user_alex", title="Alex")
    world.change(user_id="user_maria", title="Maria")
    assert alex.heard_changes() == ["Alex"]
    assert admin.heard_changes() == ["Maria"]


@pytest.mark.parametrize("version", list(Version))
def test_two_teams_never_meet_under_one_name(version: Version) -> None:
    world = World()
    ours, theirs = world.member(version, user="user_alex"), world.member(version, user="user_alex", team="org_other")
    world.change(title="ours")
    world.change(title="theirs", team_id="org_other")
    ours.say("broadcast", {"event": "wave", "payload": {}})
    ours.say("presence", {"event": "track", "payload": {}})
    world.clock.advance(1)
    heard = ours.heard()
    assert [said.payload["data"]["record"]["title"] for said in heard if said.event == "postgres_changes"] == ["ours"]
    assert [said.event for said in theirs.heard()] == ["postgres_changes"]


def test_private_and_public_joins_of_a_name_are_two_rooms() -> None:
    world = World()
    private, public = world.member(private=True), world.member(user="user_maria")
    private.say("broadcast", {"event": "wave", "payload": {}})
    private.say("presence", {"event": "track", "payload": {}})
    world.clock.advance(1)
    assert public.heard() == []
    world.change()
    assert public.heard_events() == private.heard_events()[-1:] == ["postgres_changes"]


def test_a_token_of_another_member_ends_the_channel_so_that_it_joins_again() -> None:
    world = World()
    client = world.member()
    client.say("access_token", {"access_token": world.tokens.token("user_maria")})
    assert client.heard_events() == ["phx_error"]


def test_an_anon_key_that_looks_like_a_token_leaves_the_join_soft() -> None:
    world = World()
    anon = "anon.key.jwt"
    client: Client = world.client(api_key=anon)
    client.join(token=anon)
    assert client.heard()[0].payload["status"] == "ok"
    world.change()
    assert client.heard() == []
    client.say("access_token", {"access_token": world.tokens.token()})
    assert "postgres_changes" in client.heard_events()


def test_a_join_without_token_ends_in_phx_error_soon_and_the_second_time_later() -> None:
    world = World()
    client = world.client()
    for seconds in (1, 30):
        client.join(changes=[ALL])
        client.heard()
        world.pass_time(seconds - 1)
        client.say("heartbeat", {}, topic="phoenix")
        assert client.heard_events() == ["phx_reply"]
        world.pass_time(2)
        assert client.heard_events() == ["phx_error"]
