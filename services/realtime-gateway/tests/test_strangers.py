"""Before a channel is open nobody knows who a client is: its messages are short, and long ones cost it more."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from rte_realtime_gateway.protocol import json_text
from rte_realtime_gateway.protocol.json_text import MAX_DEPTH, BadJson
from rte_realtime_gateway.server.socket import MAX_STRANGERS_BYTES
from rte_testkit.bare_client import TOPIC, bare
from rte_testkit.gateway import Gateway, Members, StartGateway
from rte_testkit.gateway_world import World

LONG = "[" + "[]," * (MAX_STRANGERS_BYTES // 3) + "[]]"


async def closed_by(gateway: Gateway, *messages: str, compression: str | None = None) -> int | None:
    """The code with which a stranger's socket is closed after these messages."""
    async with bare(gateway.websocket_url(), compression=compression) as stranger:
        with pytest.raises(ConnectionClosed):
            for message in messages:
                await stranger.socket.send(message)
            while True:
                await stranger.socket.recv()
        return stranger.socket.close_code


async def test_a_stranger_s_long_message_is_not_even_kept(gateway: Gateway, start_gateway: StartGateway) -> None:
    assert await closed_by(gateway, LONG) == 1009
    compressing = start_gateway(COMPRESSION="true")
    assert await closed_by(compressing, LONG, compression="deflate") == 1009, "after inflating"


async def test_a_member_s_message_may_be_long(gateway: Gateway, members: Members, team: str) -> None:
    async with bare(gateway.websocket_url()) as sender, bare(gateway.websocket_url()) as listener:
        for client in sender, listener:
            await client.join(members.token("user_maria", team=team))
            await client.hear("presence_state")
        payload = {"event": "long", "payload": {"text": "x" * 900_000}}
        await sender.say("broadcast", payload)
        assert await listener.hear("broadcast") == payload


def test_a_stranger_pays_for_the_bytes_of_a_message_and_a_member_for_the_message() -> None:
    world = World()
    stranger, member = world.client(), world.member()
    for client in stranger, member:
        for _ in range(10):
            client.session.receive(json.dumps([None, None, TOPIC, "x", "y" * 60_000]))
    assert stranger.wire.slowed > 1
    assert member.wire.slowed == 0


@pytest.mark.parametrize("levels", [1, MAX_DEPTH])
def test_levels_are_counted_however_many_there_are_beside_each_other(levels: int) -> None:
    block = "[" * levels + "]" * levels
    json_text.check_depth(",".join([block] * (300_000 // len(block))))
    with pytest.raises(BadJson):
        json_text.check_depth(",".join([block] * 1_000) + f"[{'[' * MAX_DEPTH}{']' * MAX_DEPTH}]")
    json_text.check_depth(json.dumps(["[" * 1_000, '\\"[[' * 300]))
