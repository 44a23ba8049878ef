"""Joins as clients in other languages write them: what the real server takes is taken, and what it says is said."""

from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest

from rte_realtime_gateway.protocol import join
from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.protocol.join import MAX_REPLAY, RESERVED_PRESENCE_KEYS, BadJoin
from rte_realtime_gateway.rooms.rooms import DIFF_SECONDS
from rte_testkit.bare_client import bare
from rte_testkit.gateway import Gateway, Members
from rte_testkit.gateway_world import ALL, World

TABLE = {"schema": "public", "table": "expectations"}


def changes_heard(*bindings: Any) -> list[tuple[str, Any]]:
    """Type and record of the changes that somebody hears who joined with these bindings."""
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(), changes=bindings)
    assert "error" not in [said.payload.get("status") for said in client.heard()]
    row = world.change()
    world.change("UPDATE", old=row, **row)
    world.change("DELETE", **row)
    data = [said.payload["data"] for said in client.heard()]
    return [(one["type"], one.get("record")) for one in data]


@pytest.mark.parametrize("event", [None, "SELECT", "", "nothing", 1, ["INSERT"], "absent"])
def test_a_binding_for_an_event_that_does_not_exist_is_for_all_of_them(event: Any) -> None:
    binding = TABLE if event == "absent" else {**TABLE, "event": event}
    assert [kind for kind, _ in changes_heard(binding)] == ["INSERT", "UPDATE", "DELETE"]


@pytest.mark.parametrize("select", [[], None, [None], [1], {}, 5])
def test_a_selection_of_nothing_is_one_of_everything(select: Any) -> None:
    assert "title" in changes_heard({**ALL, "select": select})[0][1]


def test_of_a_selection_what_is_no_text_does_not_count() -> None:
    assert changes_heard({**ALL, "select": ["title", None]})[0][1].keys() == {"id", "title"}


def test_bindings_that_are_null_are_dropped_from_the_echo_too() -> None:
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(), changes=[None, ALL, None])
    echo = client.heard()[0].payload["response"]["postgres_changes"]
    assert [{name: entry[name] for name in ALL} for entry in echo] == [ALL]


@pytest.mark.parametrize(("key", "name"), [(7, "7"), (1.5, "1.5"), (True, "true"), (False, "false"), ("7", "7")])
def test_a_presence_key_may_be_a_number(key: Any, name: str) -> None:
    world = World()
    client = world.member(presence={"key": key})
    client.say("presence", {"event": "track", "payload": {}})
    world.clock.advance(DIFF_SECONDS)
    assert list(client.heard()[-1].payload["joins"]) == [name]


@pytest.mark.parametrize("key", sorted(RESERVED_PRESENCE_KEYS))
def test_a_presence_key_that_breaks_the_team_s_clients_is_refused_with_the_reason(key: str) -> None:
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(), presence={"key": key})
    (reply,) = client.heard()
    assert reply.payload["response"]["reason"] == f"InvalidPresenceKey: the presence key {key!r} is reserved"


@pytest.mark.parametrize(
    ("limit", "count"), [(None, MAX_REPLAY), (0, 1), (-3, 1), (3, 3), (3.0, 3), (1000, MAX_REPLAY)]
)
def test_a_replay_s_limit_is_brought_into_its_bounds(limit: Any, count: int) -> None:
    request = join.read({"config": {"private": True, "broadcast": {"replay": {"since": 1000.0, "limit": limit}}}})
    assert request.replay is not None
    assert (request.replay.since, request.replay.limit) == (1, count)


@pytest.mark.parametrize("replay", [{}, {"since": None}, {"since": "1"}, {"since": 1, "limit": "3"}, {"since": 1e300}])
def test_a_replay_without_a_moment_is_refused(replay: Any) -> None:
    with pytest.raises(BadJoin, match="UnableToReplayMessages"):
        join.read({"config": {"private": True, "broadcast": {"replay": replay}}})


@pytest.mark.parametrize("version", Version)
def test_presence_may_be_tracked_without_a_payload(version: Version) -> None:
    world = World()
    client = world.member(version, presence={"key": "k"})
    client.say("presence", {"type": "presence", "event": "track"}, ref="1")
    world.clock.advance(DIFF_SECONDS)
    reply, diff = client.heard()
    assert reply.payload == {"status": "ok", "response": {}}
    assert diff.payload["joins"]["k"]["metas"][0]["user_id"] == "user_alex"


@pytest.mark.parametrize("token", ["a.b.c", "..", "é.é.é", "eyJ.eyJ.x", "W10.W10.x"])
async def test_a_token_that_is_no_jwt_is_refused_at_the_join(gateway: Gateway, token: str) -> None:
    for key in "sb_publishable_x", token:
        async with bare(gateway.websocket_url().replace("apikey=anything", f"apikey={quote(key)}")) as client:
            reply = await client.join(token)
            assert reply["response"] == {"reason": "MalformedJWT: The token provided is not a valid JWT"}


async def test_opaque_keys_and_keys_of_others_count_as_no_token(gateway: Gateway, members: Members) -> None:
    anon = jwt.encode({"role": "anon", "exp": 2**33}, "a secret of thirty-two bytes, or so", algorithm="HS256")
    for key in "sb_publishable_x", anon:
        async with bare(gateway.websocket_url().replace("apikey=anything", f"apikey={key}")) as client:
            assert (await client.join(key))["status"] == "ok"
            await client.say("access_token", {"access_token": members.token("user_maria")})
            await client.hear("presence_state")


async def test_an_expired_token_s_message_names_the_seconds(gateway: Gateway, members: Members) -> None:
    token = members.token("user_maria", lifetime=-1000)
    async with bare(gateway.websocket_url()) as client:
        reason = (await client.join(token))["response"]["reason"]
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as http:
        answer = await http.post("/api/broadcast", json={}, headers={"Authorization": f"Bearer {token}"})
    for said in reason.removeprefix("InvalidJWTToken: "), answer.json()["message"]:
        seconds = said.removeprefix("Token has expired ").removesuffix(" seconds ago")
        assert 1000 <= int(seconds) < 1100
