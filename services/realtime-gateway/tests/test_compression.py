"""Compression, where it is switched on: clients that offer it get the same messages in fewer bytes."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import OP_BINARY, OP_PING, OP_TEXT, Frame, Opcode
from websockets.protocol import Protocol, Side

from rte_realtime_gateway.protocol.frames import server_frame
from rte_realtime_gateway.server.compression import deflated
from rte_testkit.bare_client import Bare, bare
from rte_testkit.gateway import Changes, Gateway, Members, StartGateway
from rte_testkit.official_clients import StartClient

ALL = [{"event": "*", "schema": "public", "table": "expectations"}]
FIRST = {OP_TEXT: 0x81, OP_BINARY: 0x82, OP_PING: 0x89}

payloads = st.binary(max_size=300) | st.builds(bytes.__mul__, st.binary(max_size=9), st.integers(0, 20_000))
messages: st.SearchStrategy[list[tuple[Opcode, bytes]]] = st.lists(
    st.tuples(st.sampled_from([OP_TEXT, OP_BINARY]), payloads) | st.just((OP_PING, b"1234"))
)


@given(said=messages, bits=st.integers(9, 15))
def test_whatever_is_written_arrives_as_it_was(said: list[tuple[Opcode, bytes]], bits: int) -> None:
    written = b"".join(server_frame(FIRST[opcode], payload) for opcode, payload in said)
    client = Protocol(Side.CLIENT, max_size=None)
    client.extensions = [PerMessageDeflate(True, True, bits, bits)]
    sent = deflated(written, bits)
    client.receive_data(sent)
    heard = [event for event in client.events_received() if isinstance(event, Frame)]
    assert [(frame.opcode, bytes(frame.data)) for frame in heard] == said
    assert len(sent) <= len(written)


@pytest.fixture
def compressing(start_gateway: StartGateway) -> Gateway:
    return start_gateway(COMPRESSION="true")


def extensions(client: Bare) -> str | None:
    """What was agreed upon."""
    assert client.socket.response is not None
    return client.socket.response.headers.get("Sec-WebSocket-Extensions")


async def test_clients_that_offer_it_and_those_that_do_not_get_the_same(
    compressing: Gateway, client: StartClient, members: Members, changes: Changes
) -> None:
    async with bare(compressing.websocket_url(), compression=None) as plain, bare(compressing.websocket_url()) as less:
        assert [extensions(one) for one in (plain, less)] == [
            None,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ]
        for one in (plain, less):
            await one.join(members.token("user_alex"))
        official = [
            await client(
                kind, url=compressing.url, topic="expectations:active", token=members.token("user_maria"), changes=ALL
            )
            for kind in ("python", "js-2.109")
        ]
        for watcher in official:
            await watcher.subscribed()
        created = await changes.insert(title="Write the report " * 20)
        told = [await one.hear("postgres_changes") for one in (plain, less)]
        assert [one["data"]["record"] for one in told] == [created, created]
        assert [(await watcher.heard("change"))["new"] for watcher in official] == [created, created]


async def test_what_would_grow_beyond_the_limit_is_closed_by_name_and_disturbs_nobody(
    compressing: Gateway, members: Members
) -> None:
    deflate = zlib.compressobj(wbits=-15)
    bomb = deflate.compress(bytes(100_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    plain = Frame(OP_BINARY, bomb[:-4]).serialize(mask=True)
    async with bare(compressing.websocket_url()) as other, bare(compressing.websocket_url()) as attacker:
        await other.join(members.token("user_maria"))
        attacker.socket.transport.write(bytes((plain[0] | 0x40,)) + plain[1:])
        with pytest.raises(ConnectionClosed):
            while True:
                await attacker.socket.recv()
        assert attacker.socket.close_code == 1009
        assert (await other.heartbeat())["status"] == "ok"
