"""When another stream takes the place of EVENTS, offsets in the old one mean nothing: clients load again, and go on."""

import uuid
from collections.abc import Callable

import nats

from rte_devstack.nats import Nats
from rte_realtime_gateway.changes.fanout import MAX_WAIT_SECONDS
from rte_realtime_gateway.changes.positions import Position
from rte_realtime_gateway.protocol.messages import LOAD_AGAIN, RESUMED, CloseCode
from rte_testkit.bare_client import Bare, bare
from rte_testkit.gateway import Changes, Members, StartGateway
from rte_testkit.gateway_world import SUBSCRIPTION, Client, World

SESSION = "5f0c2f7e-tab"


def world_after_twenty_changes() -> tuple[World, Client]:
    """A world, and a client that has had the twenty."""
    world = World()
    client = world.member(session=SESSION)
    for number in range(20):
        world.change(title=f"old {number}")
    client.answer_pings()
    client.heard()
    return world, client


def world_with_a_client_away() -> tuple[World, str]:
    """The same after the client has gone, and its key: a peer may tell where it is now."""
    world, first = world_after_twenty_changes()
    (client,) = world.peers.unshared
    first.session.ended()
    return world, client


def replace_stream(world: World) -> None:
    world.sequence = 0
    world.hub.reset(0, "the second")


def told(client: Client) -> list[str]:
    return [said.payload["message"] for said in client.heard() if said.event == "system"]


def test_open_channels_are_told_to_load_again_and_hear_the_new_changes() -> None:
    world, client = world_after_twenty_changes()
    replace_stream(world)
    assert told(client) == [LOAD_AGAIN]
    world.change(title="new")
    assert client.heard_changes() == ["new"]


def test_a_returning_client_loads_again_and_loses_no_change_of_the_new_stream() -> None:
    world, client = world_after_twenty_changes()
    client.session.ended()
    replace_stream(world)
    second = world.member(session=SESSION)
    world.change(title="new")
    assert second.heard_changes() == ["new"]


def test_pings_and_closes_answered_late_prove_nothing_about_the_new_stream() -> None:
    world, first = world_after_twenty_changes()
    first.say("heartbeat", {}, topic="phoenix")
    closing = world.member(session=SESSION)
    closing.session.close(*CloseCode.RESTART)
    replace_stream(world)
    first.heard()
    (ping,) = first.pings
    first.session.answered(ping)
    closing.session.close_answered()
    first.session.ended()
    second = world.client(session=SESSION)
    second.join(token=world.tokens.token())
    assert LOAD_AGAIN in told(second)


def test_what_others_tell_counts_for_the_stream_that_they_mean() -> None:
    world, client = world_with_a_client_away()
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(2)}, "the second")
    replace_stream(world)
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(20)}, "the first")
    for title in ("had", "had too", "missed"):
        world.change(title=title)
    second = world.client(session=SESSION)
    second.join(token=world.tokens.token())
    assert second.heard_changes() == ["missed"]


def test_a_client_that_waits_for_changes_of_the_old_stream_goes_on_with_the_new_one() -> None:
    world, client = world_with_a_client_away()
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(25)}, "the first")
    waiting = world.member(session=SESSION)
    replace_stream(world)
    assert told(waiting)[-1] == LOAD_AGAIN
    world.change(title="new")
    world.clock.advance(MAX_WAIT_SECONDS)
    assert waiting.heard_changes() == ["new"]
    assert told(waiting) == []


def test_nobody_waits_long_for_changes_that_do_not_come() -> None:
    world, client = world_with_a_client_away()
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(25)}, "the first")
    waiting = world.client(session=SESSION)
    waiting.join(token=world.tokens.token())
    assert told(waiting) == []
    world.clock.advance(MAX_WAIT_SECONDS)
    assert told(waiting)[-1] == LOAD_AGAIN
    world.change(title="new")
    assert waiting.heard_changes() == ["new"]


def test_an_event_that_is_no_change_for_clients_ends_the_wait_too() -> None:
    world, client = world_with_a_client_away()
    world.hub.positions.learn(client, {SUBSCRIPTION: Position(21)}, "the first")
    waiting = world.client(session=SESSION)
    waiting.join(token=world.tokens.token())
    assert told(waiting) == []
    world.hub.skip(21)
    assert told(waiting)[-1] == RESUMED


async def test_a_deleted_stream_is_made_again_and_clients_load_again(
    private_nats: Callable[[], Nats], start_gateway: StartGateway, members: Members
) -> None:
    broker = private_nats()
    gateway = start_gateway(broker.url)
    publisher = await nats.connect(broker.url)
    changes = Changes(publisher.jetstream())
    token, session = members.token("user_maria", lifetime=600), str(uuid.uuid4())
    async with bare(gateway.websocket_url()) as stays:
        await stays.join(token)
        await until_told(stays, LOAD_AGAIN)
        async with bare(gateway.websocket_url(session=session)) as leaves:
            await leaves.join(token)
            for number in range(5):
                await changes.insert(title=f"old {number}")
            await changes.until_had()
        await publisher.jetstream().delete_stream("EVENTS")
        await until_told(stays, LOAD_AGAIN)
        async with bare(gateway.websocket_url(session=session)) as returns:
            await returns.join(token)
            await until_told(returns, LOAD_AGAIN)
            await changes.insert(title="new")
            for client in (stays, returns):
                while (await client.hear("postgres_changes"))["data"]["record"]["title"] != "new":
                    continue
    await publisher.close()


async def until_told(client: Bare, message: str) -> None:
    while (await client.hear("system"))["message"] != message:
        continue
