"""What a returning client gets, decided by the core: everything since its last answered ping, if all of it is known."""

from typing import Any

import pytest

from rte_realtime_gateway.access.readiness import Source
from rte_realtime_gateway.changes.positions import MAX_POSITIONS, Position
from rte_realtime_gateway.protocol.messages import DISCONNECT, LOAD_AGAIN, RESUMED, CloseCode
from rte_testkit.gateway import OTHER_TEAM
from rte_testkit.gateway_world import ALL, SUBSCRIPTION, Client, World

SESSION = "5f0c2f7e-tab"


def joined(world: World, token: str | None = None, session: str | None = SESSION) -> Client:
    client = world.client(session=session)
    client.join(token=token or world.tokens.token(lives=10_000))
    return client


def returned(client: Client) -> tuple[list[str], str]:
    """The changes that came with a join, and what it said about them."""
    heard = client.heard()
    told = [said.payload["message"] for said in heard if said.event == "system"][-1]
    return [s.payload["data"]["record"]["title"] for s in heard if s.event == "postgres_changes"], told


def test_what_was_missed_comes_once_in_order_and_only_since_the_last_answer() -> None:
    world = World()
    first = joined(world)
    assert returned(first) == ([], LOAD_AGAIN)
    world.change(title="answered")
    first.answer_pings()
    world.change(title="written, but not answered")
    first.heard()
    first.session.ended()
    world.change(title="missed")
    second = joined(world)
    assert returned(second) == (["written, but not answered", "missed"], RESUMED)
    world.change(title="live")
    assert second.heard_changes() == ["live"]


def test_what_was_caught_up_with_while_changes_gather_comes_once() -> None:
    world = World()
    first = joined(world)
    world.member(user="user_maria")
    first.answer_pings()
    first.session.ended()
    world.change(title="written")
    world.change(title="gathers")
    second = joined(world)
    assert [said.event for said in second.heard_already()].count("postgres_changes") == 2
    second.session.answered(second.pings.pop())
    second.session.ended()
    assert returned(joined(world)) == ([], RESUMED)


def test_a_close_that_the_client_answered_proves_that_it_had_everything() -> None:
    world = World()
    first = joined(world)
    world.change(title="before the close")
    first.session.close(*CloseCode.RESTART)
    first.session.close_answered()
    world.change(title="missed")
    assert returned(joined(world)) == (["missed"], RESUMED)


def test_who_is_sent_away_is_told_on_each_channel_before_the_close() -> None:
    world = World()
    client = joined(world)
    client.join("realtime:expectations:user:user_alex", token=world.tokens.token())
    client.heard()
    world.hub.close_some(1)
    assert [(said.event, said.payload["message"]) for said in client.heard()] == [("system", DISCONNECT)] * 2
    assert client.wire.closed == CloseCode.RESTART


def test_changes_that_wait_for_a_shared_write_arrive_before_the_close() -> None:
    world = World()
    client = joined(world)
    client.heard()
    world.change(title="first"), world.change(title="second, waits")
    client.session.close(*CloseCode.RESTART)
    assert client.heard_changes() == ["first", "second, waits"]


def test_other_sessions_other_members_and_sessions_without_id_begin_anew() -> None:
    world = World()
    first = joined(world)
    first.answer_pings()
    first.session.ended()
    world.change(title="missed")
    assert returned(joined(world, session="another-tab")) == ([], LOAD_AGAIN)
    assert returned(joined(world, session=None)) == ([], LOAD_AGAIN)
    assert returned(joined(world, token=world.tokens.token("user_maria"))) == ([], LOAD_AGAIN)


def test_an_offset_counts_only_for_the_member_and_team_it_was_earned_by() -> None:
    world = World()
    ours, theirs = world.tokens.token(lives=10_000), world.tokens.token(team=OTHER_TEAM, lives=10_000)
    client = joined(world, token=ours, session=None)
    world.change(title="seen")
    client.heard()
    client.join(token=theirs)
    assert returned(client) == ([], LOAD_AGAIN), "it has seen nothing of this team"
    world.change(title="ours"), world.change(title="theirs", team_id=OTHER_TEAM)
    client.heard()
    client.join(token=ours)
    assert returned(client) == (["ours"], RESUMED)
    client.join(token=theirs)
    assert returned(client) == ([], RESUMED)


def test_who_asks_for_other_changes_begins_anew_and_goes_on_with_what_it_had_before() -> None:
    world = World()
    token = world.tokens.token(lives=10_000)
    deletes = {**ALL, "event": "DELETE"}
    client = joined(world, token=token)
    client.heard()
    client.join(token=token, changes=[deletes])
    assert returned(client) == ([], LOAD_AGAIN), "it has had no deletes of before"
    world.change(title="missed by the first")
    client.answer_pings()
    client.session.ended()
    assert returned(joined(world, token=token)) == (["missed by the first"], RESUMED)


def test_only_the_positions_of_the_latest_subscriptions_are_kept() -> None:
    world = World()
    client = joined(world)
    for number in range(MAX_POSITIONS):
        client.join(token=world.tokens.token(), changes=[{**ALL, "filter": f"version=eq.{number}"}])
        client.answer_pings()
        world.clock.advance(1)
    (key,) = world.peers.unshared
    positions = world.hub.positions.of(key)
    assert len(positions) == MAX_POSITIONS
    assert SUBSCRIPTION not in positions


def test_an_answered_ping_counts_for_the_member_of_each_channel() -> None:
    world = World()
    ours, theirs = world.tokens.token(lives=10_000), world.tokens.token(team=OTHER_TEAM, lives=10_000)
    client = joined(world, token=ours)
    client.join("realtime:expectations:user:user_alex", token=theirs)
    client.answer_pings()
    client.session.ended()
    world.change(title="ours"), world.change(title="theirs", team_id=OTHER_TEAM)
    assert returned(joined(world, token=theirs)) == ([], LOAD_AGAIN)
    assert returned(joined(world, token=ours)) == (["ours"], RESUMED)


def test_who_was_not_told_where_it_stands_is_told_on_its_return() -> None:
    world = World()
    client = world.client(session=SESSION)
    client.join()
    client.heard()
    world.change(title="between the join and the token")
    client.session.rewire(lagging=True)
    client.say("access_token", {"access_token": world.tokens.token()})
    client.answer_pings()
    client.session.close(*CloseCode.RESTART)
    client.session.close_answered()
    assert returned(joined(world)) == ([], LOAD_AGAIN)


def test_a_position_older_than_what_is_kept_begins_anew() -> None:
    world = World()
    first = joined(world)
    world.change(title="seen")
    first.answer_pings()
    first.session.ended()
    world.change(title="missed")
    world.clock.advance(world.hub.kept_seconds - 1)
    world.hub.prune()
    assert returned(joined(world)) == (["missed"], RESUMED), "kept long enough"
    world.clock.advance(2)
    world.hub.prune()
    assert returned(joined(world)) == ([], LOAD_AGAIN)


def test_leaving_on_purpose_begins_anew() -> None:
    world = World()
    client = joined(world)
    client.answer_pings()
    client.say("heartbeat", {}, topic="phoenix")
    client.say("phx_leave", {})
    client.answer_pings()
    world.change(title="nobody listened")
    client.heard()
    client.join(token=world.tokens.token())
    assert returned(client) == ([], LOAD_AGAIN)


@pytest.mark.parametrize("rejoined", [False, True], ids=["ended by an error", "joined again without a token"])
def test_leaving_counts_also_when_nobody_knows_whose_channel_it_is(rejoined: bool) -> None:
    world = World()
    client = joined(world, token=world.tokens.token(lives=10))
    client.answer_pings()
    world.pass_time(46)
    client.answer_pings()
    if rejoined:
        client.join()
    client.say("phx_leave", {})
    client.heard()
    world.change(title="nobody listened")
    client.join(token=world.tokens.token())
    assert returned(client) == ([], LOAD_AGAIN)


def test_who_leaves_after_an_error_begins_anew_on_another_socket_too() -> None:
    world = World()
    client = joined(world, token=world.tokens.token(lives=10))
    client.answer_pings()
    world.pass_time(46)
    client.say("phx_leave", {})
    client.session.ended()
    world.change(title="nobody listened")
    assert returned(joined(world)) == ([], LOAD_AGAIN)


def test_the_peers_hear_of_who_left_on_purpose() -> None:
    here, there = World(), World()
    there.clock, there.tokens = here.clock, here.tokens
    token = here.tokens.token(lives=10_000)

    def tell() -> None:
        for client in here.peers.unshared:
            there.hub.positions.learn(client, here.hub.positions.of(client), here.hub.positions.stream)

    client = joined(here, token=token)
    client.answer_pings()
    tell()
    assert returned(joined(there, token=token)) == ([], RESUMED)
    client.say("phx_leave", {})
    tell()
    assert returned(joined(there, token=token)) == ([], LOAD_AGAIN)
    client.join(token=token)
    client.answer_pings()
    tell()
    assert returned(joined(there, token=token)) == ([], RESUMED), "it is back at the place where it left"


def test_a_rejoin_on_the_same_socket_resumes_even_without_a_session() -> None:
    world = World()
    client = joined(world, token=world.tokens.token(lives=10), session=None)
    client.heard()
    world.pass_time(46)
    world.change(title="while the token was expired")
    assert client.heard_events() == ["phx_error"]
    client.join(token=world.tokens.token())
    assert returned(client) == (["while the token was expired"], RESUMED)


def test_a_peer_that_is_behind_waits_until_it_has_read_as_far_as_the_client() -> None:
    world = World()
    first = joined(world)
    first.answer_pings()
    first.session.ended()
    (client,) = world.peers.unshared
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(world.sequence + 2)}, world.hub.positions.stream)
    second = joined(world)
    world.change(title="had it from the other replica")
    world.change(title="this one too")
    assert second.heard_changes() == []
    world.change(title="new")
    assert second.heard_changes() == ["new"]


def test_a_slow_client_catches_up_in_steps() -> None:
    world = World()
    first = joined(world)
    first.answer_pings()
    first.session.ended()
    for number in range(250):
        world.change(title=str(number))
    second = world.client(session=SESSION)
    second.session.rewire(lagging=True)
    second.join(token=world.tokens.token())
    assert second.heard_changes() == []
    world.change(title="250")
    second.session.rewire(lagging=False)
    assert second.heard_changes() == [str(number) for number in range(251)]


def test_a_join_waits_for_the_feed_and_is_refused_after_eight_seconds() -> None:
    world = World()
    world.hub.readiness.update(Source.CHANGES, live=False)
    patient, late = joined(world), joined(world)
    assert patient.heard() == []
    world.pass_time(7)
    late.session.ended()
    world.hub.readiness.update(Source.CHANGES, live=True)
    assert patient.heard()[0].payload["status"] == "ok"
    world.hub.readiness.update(Source.CHANGES, live=False)
    third = joined(world)
    world.pass_time(9)
    (refusal,) = third.heard()
    assert refusal.payload["response"]["reason"].startswith("InitializingProjectConnection")


def test_a_token_that_comes_while_a_join_waits_for_the_feed_counts() -> None:
    world = World()
    world.hub.readiness.update(Source.CHANGES, live=False)
    soft, renewing, changing = world.client(), world.client(), world.client()
    soft.join()
    renewing.join(token=world.tokens.token(lives=1))
    changing.join(token=world.tokens.token())
    soft.say("access_token", {"access_token": world.tokens.token(lives=1_000)})
    renewing.say("access_token", {"access_token": world.tokens.token(lives=1_000)})
    changing.say("access_token", {"access_token": world.tokens.token("user_maria")})
    assert changing.heard()[0].payload["response"]["reason"].startswith("Unauthorized")
    world.hub.readiness.update(Source.CHANGES, live=True)
    world.pass_time(50)
    world.change(title="now")
    assert soft.heard_changes() == renewing.heard_changes() == ["now"]


@pytest.mark.parametrize(
    ("options", "patience"),
    [
        ({"wait": True, "timeout": 3_000}, 3),
        ({"wait": "true", "timeout": 90_000}, 20),
        ({"wait": True, "timeout": -1}, 1),
        ({"wait": True, "timeout": "soon"}, 8),
        ({"timeout": 3_000}, 8),
        ({}, 8),
    ],
)
def test_a_client_that_waits_for_changes_says_for_how_long(options: dict[str, Any], patience: int) -> None:
    world = World()
    world.hub.readiness.update(Source.CHANGES, live=False)
    client = world.client()
    client.join(token=world.tokens.token(), postgres_changes_options=options)
    world.pass_time(patience - 1)
    assert client.heard() == []
    world.pass_time(1)
    assert client.heard_events() == ["phx_reply"]
