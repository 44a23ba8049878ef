"""Hidden tabs: browsers wake their timers once a minute, so that heartbeats and tokens come late."""

import pytest

from rte_realtime_gateway.clients.session import IDLE_SECONDS
from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.settings import Settings
from rte_testkit.gateway_world import World

WAKES_EVERY = 61
"""Seconds between two heartbeats of a hidden tab: a minute, and what the browser is late."""
MIN_TOKEN_SECONDS = 10
"""Seconds that a token which Clerk's kit hands out still has to live, at least."""


@pytest.mark.parametrize("version", Version)
def test_a_hidden_tab_stays_connected_and_misses_nothing(version: Version) -> None:
    world = World(expiry_grace=Settings.model_fields["expiry_grace_seconds"].default)
    client = world.client(version)
    client.join(token=world.tokens.token(lives=MIN_TOKEN_SECONDS))
    for number in range(10):
        world.pass_time(WAKES_EVERY)
        client.say("heartbeat", {}, topic="phoenix")
        client.say("access_token", {"access_token": world.tokens.token(lives=MIN_TOKEN_SECONDS)})
        world.change(title=str(number))
    assert client.wire.closed is None
    assert client.heard_changes() == [str(number) for number in range(10)], "and no channel ended meanwhile"


def test_a_client_that_is_gone_is_closed_all_the_same() -> None:
    world = World()
    client = world.member()
    world.pass_time(IDLE_SECONDS + 1)
    assert client.wire.closed == (4002, "no heartbeat")
