"""A wall clock that is set back or forward closes no socket, refuses nobody and delays nothing."""

import pytest

from rte_testkit.gateway_world import World

HOUR = 3600.0


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_jump_of_the_wall_clock_harms_no_client(jump: float) -> None:
    world = World()
    client = world.member(session="5f0c2f7e-tab")
    client.answer_pings()
    world.clock.jumped = jump
    world.pass_time(1)
    assert client.wire.closed is None
    for title in ("first", "second, shares a write"):
        world.change(title=title)
    assert client.heard_changes() == ["first", "second, shares a write"]
    assert client.pings, "positions are still asked for"
    client.say("heartbeat", {}, topic="phoenix")
    client.heard()
    assert client.wire.slowed == 0
    client.join(token=world.tokens.token())
    assert client.heard()[0].payload["status"] == "ok"


def test_a_token_ends_after_its_lifetime_whatever_the_wall_clock_says() -> None:
    world = World()
    client = world.member()
    world.clock.jumped = -HOUR
    world.pass_time(50)
    client.say("heartbeat", {}, topic="phoenix")
    client.heard()
    world.pass_time(46)
    assert client.heard_events() == ["phx_error"], "60 s of the token and 35 s of grace"
