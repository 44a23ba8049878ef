"""Limits slow down or refuse with a reason, and never kill a healthy channel."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from rte_common.auth import Member
from rte_realtime_gateway.access import limits
from rte_realtime_gateway.access.limits import MAX_CHANNELS, RateLimit
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES
from rte_testkit.gateway import OTHER_TEAM, TEAM
from rte_testkit.gateway_world import ALL, Client, World


def reasons(client: Client) -> list[str]:
    """Codes of the refusals among the replies."""
    replies = [said.payload for said in client.heard() if said.event == "phx_reply"]
    return [reply["response"]["reason"].split(":")[0] for reply in replies if reply["status"] == "error"]


def drops(reason: str) -> float:
    return REGISTRY.get_sample_value("rte_gateway_drops_total", {"reason": reason}) or 0


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    allowance = RateLimit(rate=2, burst=3)
    assert [allowance.acquire(100) for _ in range(4)] == [True, True, True, False]
    assert [allowance.acquire(100.5), allowance.acquire(100.5)] == [True, False]
    assert [allowance.overdraw(100.5), allowance.overdraw(100.5)] == [0.5, 1.0]
    assert allowance.is_full(200)


def test_a_socket_has_at_most_so_many_channels() -> None:
    world = World()
    client = world.client()
    token = world.tokens.token(role="admin")
    for number in range(MAX_CHANNELS + 1):
        client.join(f"realtime:expectations:user:user_{number}", token=token)
    assert reasons(client) == ["ChannelRateLimitReached"]


def test_a_member_and_a_team_have_at_most_so_many_channels_over_all_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MEMBER_CHANNELS", 3)
    monkeypatch.setattr(limits, "MAX_TEAM_CHANNELS", 5)
    world = World()
    of_alex = [world.member() for _ in range(3)]
    refused = world.client()
    refused.join(token=world.tokens.token())
    assert reasons(refused) == ["ChannelRateLimitReached"]
    of_alex[0].say("phx_leave", {})
    of_alex[1].session.ended()
    for client, user in ((refused, "user_alex"), (world.client(), "user_maria"), (world.client(), "user_maria")):
        client.join(token=world.tokens.token(user))
        assert reasons(client) == []
    for client in (refused, of_alex[2]):
        client.join(token=world.tokens.token())
        assert reasons(client) == [], "a join instead of another is not one more"
    soft = world.client()
    soft.join()
    assert reasons(soft) == []
    world.member(user="user_david")
    soft.say("access_token", {"access_token": world.tokens.token("user_sophia")})
    assert "ChannelRateLimitReached" in soft.heard()[-1].payload["reason"]
    elsewhere = world.client()
    elsewhere.join(token=world.tokens.token(team=OTHER_TEAM))
    assert reasons(elsewhere) == [], "another team has its own"


def test_joins_too_fast_are_refused_until_time_has_passed() -> None:
    world = World()
    client = world.client()
    token = world.tokens.token()
    for _ in range(201):
        client.join(token=token)
    assert reasons(client) == ["ClientJoinRateLimitReached"]
    world.clock.advance(1)
    client.join(token=token)
    assert reasons(client) == []


def test_joins_of_one_member_over_many_sockets_are_limited() -> None:
    world = World()
    token = world.tokens.token()
    refused = 0
    for _ in range(502):
        client = world.client()
        client.join(token=token)
        refused += len(reasons(client))
        world.clock.time -= 0.06  # heard() lets time pass, which fills the allowance again
    assert refused == 2


def test_a_renewal_is_no_join_and_a_first_token_is_one() -> None:
    world = World()
    healthy, soft = world.member(), world.client()
    soft.join()
    while world.hub.limits.may_join(Member("user_alex", TEAM, "member", "sess", 0)):
        pass
    healthy.say("access_token", {"access_token": world.tokens.token()})
    soft.say("access_token", {"access_token": world.tokens.token()})
    assert healthy.heard_events() == []
    assert "ClientJoinRateLimitReached" in soft.heard()[-1].payload["reason"]
    world.change()
    assert healthy.heard_events() == ["postgres_changes"]


def test_what_waits_for_a_token_is_bounded_by_bytes_over_all_channels_of_a_socket() -> None:
    world = World()
    client = world.client()
    topics = [f"realtime:expectations:user:{user}" for user in ("user_alex", "user_maria", "user_david")]
    for topic in topics:
        client.join(topic)
        client.say("broadcast", {"event": "x", "payload": "x" * 25_000}, topic=topic)
    assert reasons(client) == ["TooManyMessages"]
    client.say("access_token", {"access_token": world.tokens.token()}, topic=topics[0])
    client.say("broadcast", {"event": "x", "payload": "x" * 25_000}, topic=topics[2])
    assert reasons(client) == [], "what was delivered waits no longer"


@pytest.mark.parametrize(
    ("join", "reason"),
    [
        ({"topic": "realtime:expectations:user:" + "x" * 255}, "TopicTooLong"),
        ({"presence": {"key": "x" * 129}}, "InvalidPresenceKey"),
        ({"presence": {"key": "\x01" * 22}}, "InvalidPresenceKey"),
        ({"presence": {"key": "x" * 128}}, None),
        ({"private": "x" * 70_000}, "JoinTooLarge"),
    ],
)
def test_names_and_joins_that_are_too_long_are_refused(join: dict[str, Any], reason: str | None) -> None:
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(), **join)
    assert reasons(client) == ([reason] if reason else [])
    client.join(token=world.tokens.token())
    assert reasons(client) == [], "the socket is alive"


def test_a_socket_remembers_only_some_of_the_topics_that_it_joined_without_a_token() -> None:
    world = World()
    client = world.client()
    topics = [f"realtime:expectations:user:user_{number}" for number in range(MAX_CHANNELS + 1)]
    for topic in topics:
        client.join(topic)
        world.pass_time(2)
    client.heard()
    client.join(topics[0])
    world.pass_time(2)
    assert client.heard_events() == ["phx_reply", "phx_error"], "as on its first join"
    client.join(topics[-1])
    world.pass_time(2)
    assert client.heard_events() == ["phx_reply"], "it may take its time"


def test_a_broadcast_beyond_what_clients_take_is_refused() -> None:
    world = World()
    sender, listener = world.member(broadcast={"ack": True}), world.member(user="user_maria")
    sender.say("broadcast", {"event": "x", "payload": {"text": "x" * (1 << 20)}}, ref="7")
    (reply,) = sender.heard()
    assert reply.payload["response"]["error"] == "payload_size_exceeded"
    assert listener.heard_events() == []


def test_what_a_client_repeats_is_counted_and_logged_once() -> None:
    world = World()
    client = world.member()
    kinds = {"bad_token": "token_refused", "unknown_event": "client_event_unknown"}
    before = {reason: drops(reason) for reason in kinds}
    with capture_logs() as logs:
        for number in range(20):
            client.say("access_token", {"access_token": f"header.{number}.forged"})
            client.say("whatever", {})
    assert sorted(line["event"] for line in logs) == sorted(kinds.values())
    assert {reason: drops(reason) - before[reason] for reason in kinds} == dict.fromkeys(kinds, 20)
    world.change()
    assert client.heard_events() == ["postgres_changes"], "and harms nobody"


def test_a_client_that_sends_too_fast_is_read_slowly_and_loses_nothing() -> None:
    world = World()
    sender, listener = world.member(), world.member(user="user_maria")
    for number in range(500):
        sender.say("broadcast", {"event": "x", "payload": {"n": number}})
    assert sender.wire.slowed > 0
    numbers = [said.payload["payload"]["n"] for said in listener.heard() if said.event == "broadcast"]
    assert numbers == list(range(500))


def test_messages_of_one_member_beyond_the_rate_are_refused_with_a_reason() -> None:
    world = World()
    sockets = [world.member(broadcast={"ack": True}) for _ in range(4)]
    refused: list[str] = []
    for _ in range(260):
        for socket in sockets:
            socket.say("broadcast", {"event": "x", "payload": {}})
    for socket in sockets:
        refused += reasons(socket)
    assert set(refused) == {"ClientRateLimitReached"}
    world.clock.advance(5)
    sockets[0].say("broadcast", {"event": "x", "payload": {}})
    assert reasons(sockets[0]) == [], "the channel is alive"


def test_presence_that_changes_too_often_or_is_too_large_is_refused() -> None:
    world = World()
    client = world.member()
    for number in range(22):
        client.say("presence", {"event": "track", "payload": {"n": number}})
    assert reasons(client) == ["ClientPresenceRateLimitReached"] * 2
    world.clock.advance(10)
    client.say("presence", {"event": "track", "payload": {"text": "x" * MAX_META_BYTES}})
    assert reasons(client) == ["Track message size exceeded"]
    world.change()
    assert "postgres_changes" in client.heard_events()


@pytest.mark.parametrize(("joined", "beats", "code"), [(True, False, 4002), (False, True, 4003)])
def test_a_silent_socket_and_one_without_channel_are_closed_by_name(joined: bool, beats: bool, code: int) -> None:
    world = World()
    client = world.client()
    if joined:
        client.join(token=world.tokens.token(lives=1000), changes=[ALL])
    for _ in range(9):
        world.pass_time(11)
        if client.wire.closed is None and beats:
            client.say("heartbeat", {}, topic="phoenix")
    assert client.wire.closed is not None
    assert client.wire.closed[0] == code


def test_a_socket_with_a_channel_and_heartbeats_stays() -> None:
    world = World()
    client = world.client()
    client.join(token=world.tokens.token(lives=10_000), changes=[ALL])
    for _ in range(20):
        world.pass_time(25)
        client.say("heartbeat", {}, topic="phoenix")
    assert client.wire.closed is None
