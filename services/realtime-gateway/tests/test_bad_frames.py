"""Bad handshakes and bad frames: an answer or a named close, no traceback, and nobody else notices."""

import asyncio
import json
import zlib
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import OP_BINARY, OP_TEXT, Frame

from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.rooms.rooms import Room, RoomName
from rte_testkit.bare_client import TOPIC, bare
from rte_testkit.gateway import TEAM, Gateway, Members
from rte_testkit.gateway_world import ALL, World


@pytest.mark.parametrize("path", ["/realtime/v1/websocket", "/socket/websocket"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?vsn=1.0.0",
        "?vsn=1.0.9",
        "?vsn=2.0.0",
        "?vsn=2.0.17",
        "?vsn=2.0.0&apikey=sb_publishable_x&log_level=info&unknown=1",
    ],
)
async def test_both_addresses_and_both_versions_connect(gateway: Gateway, path: str, query: str) -> None:
    async with connect(f"ws://127.0.0.1:{gateway.port}{path}{query}", proxy=None) as socket:
        await socket.send(
            json.dumps({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"})
            if "vsn=2" not in query
            else json.dumps([None, "1", "phoenix", "heartbeat", {}])
        )
        reply = json.loads(await socket.recv())
        assert (reply["event"] if isinstance(reply, dict) else reply[3]) == "phx_reply"
        await (await socket.ping())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/realtime/v1/websocket?vsn=3.0.0", {}, 403),
        ("/realtime/v1/websocket?vsn=x", {}, 403),
        ("/realtime/v1/websocket?vsn=2.1.0", {}, 403),
        ("/realtime/v1/websocket?vsn=2.0", {}, 403),
        ("/elsewhere", {}, 404),
        ("/realtime/v1/websocket", {"Origin": "https://evil.example"}, 403),
    ],
)
async def test_other_versions_paths_and_origins_are_refused(
    gateway: Gateway, path: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{gateway.port}{path}", additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == status


@pytest.mark.parametrize(
    ("request_line", "header", "status"),
    [
        ("GET //[x", "", 404),
        ("GET //a/realtime/v1/websocket", "", 404),
        ("GET /realtime/v1/websocket?vsn=2.0.0", "X-Api-Key: one\r\nX-Api-Key: two\r\n", 101),
        ("GET /realtime/v1/websocket?vsn=2.0.0&apikey=%FF", "", 101),
        ("GET /realtime/v1/websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400),
        ("HEAD /realtime/v1/websocket", "", 405),
        ("POST /realtime/v1/websocket", "", 405),
    ],
)
async def test_a_strange_request_is_answered(gateway: Gateway, request_line: str, header: str, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        f"{request_line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{header}"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        assert int((await reader.readline()).split()[1]) == status
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(Frame(OP_TEXT, b'[null,"1","phoenix","heartbeat",{}]').serialize(mask=True))
            assert await reader.readexactly(2)
    writer.close()
    assert "Traceback" not in gateway.log.read_text()


async def test_the_page_of_an_authorized_party_may_connect(gateway: Gateway) -> None:
    async with connect(gateway.websocket_url(), additional_headers={"Origin": "http://localhost:8080"}, proxy=None):
        pass


def nested(levels: int) -> str:
    """An array within an array within an array."""
    return "[" * levels + "]" * levels


ANSWERED = {
    "not json": "{",
    "wrong arity": '["1","1","realtime:x","phx_join"]',
    "an object in version 2": '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}',
    "deep nesting": "[" * 65_000,
    "more levels than can be written again": f'["1","1","realtime:x","phx_join",{nested(300)}]',
    "a long ref": json.dumps(["1", "1" * 256, "phoenix", "heartbeat", {}]),
    "a long join_ref": json.dumps(["1" * 256, "1", "phoenix", "heartbeat", {}]),
    "a deep binary broadcast": bytes((3, 1, 1, 1, 1, 0, 1)) + b"11xx" + nested(300).encode(),
    "wrong types": "[1,2,3,4,5]",
    "a lone surrogate": '["1","1","\\ud800","x",{}]',
    "an unknown binary kind": b"\x00\x01\x02",
    "a header longer than the frame": bytes((3, 255, 255, 255, 255, 255, 1)),
    "a header that is not UTF-8": bytes((3, 1, 1, 1, 1, 0, 1)) + b"\xff\xff\xff\xff{}",
}


@pytest.mark.parametrize("frame", ANSWERED.values(), ids=ANSWERED)
async def test_a_frame_that_cannot_be_understood_is_answered(
    gateway: Gateway, members: Members, frame: str | bytes
) -> None:
    async with bare(gateway.websocket_url()) as client:
        await client.socket.send(frame)
        reply = await client.hear("phx_reply")
        assert reply["status"] == "error"
        assert reply["response"]["reason"].startswith("BadFrame")
        assert (await client.join(members.token("user_maria")))["status"] == "ok"


@pytest.mark.parametrize(
    "hostile", [["x"], {"x": "x"}, 1, True, json.loads(nested(100))], ids=["list", "object", "number", "true", "deep"]
)
@pytest.mark.parametrize("name", ["schema", "table", "filter"])
@pytest.mark.parametrize("version", Version)
def test_a_binding_of_the_wrong_type_is_an_error_and_the_others_work(version: Version, name: str, hostile: Any) -> None:
    world = World()
    client = world.client(version)
    client.join(token=world.tokens.token(), changes=[{**ALL, name: hostile}, ALL])
    heard = client.heard()
    assert heard[0].payload["response"]["postgres_changes"][0][name] == hostile, "the echo is what was sent"
    assert next(said.payload["status"] for said in heard if said.event == "system") == "error"
    world.change(title="for the other binding")
    assert client.heard_changes() == ["for the other binding"]


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("levels", [100, 126, 127, 253, 900])
def test_whatever_may_be_said_can_be_sent_on(version: Version, levels: int) -> None:
    world = World()
    listener, client = world.member(user="user_maria"), world.member(version)
    for event, payload in (("broadcast", {"event": "x"}), ("presence", {"event": "track"})):
        client.session.receive(deep_frame(version, event, payload, levels))
    told = [said.event for said in client.heard() if "BadFrame" in str(said.payload)]
    world.clock.advance(1)
    heard = listener.heard_events()
    assert heard == ([] if told else ["broadcast", "presence_diff"])
    assert bool(told) is (levels > 126)


def deep_frame(version: Version, event: str, payload: dict[str, Any], levels: int) -> str:
    """A message whose own payload has so many levels."""
    said = json.dumps({**payload, "payload": {"deep": "DEEP"}}).replace('"DEEP"', nested(levels - 1))
    if version is Version.V2:
        return f'[null,"9","{TOPIC}","{event}",{said}]'
    return f'{{"topic":"{TOPIC}","event":"{event}","payload":{said},"ref":"9"}}'


def compressed_bomb() -> bytes:
    plain = Frame(OP_BINARY, zlib.compress(b"\0" * 10_000_000)).serialize(mask=True)
    return bytes((plain[0] | 0x40,)) + plain[1:]  # RSV1: compressed, which was never agreed upon


CLOSED: dict[str, tuple[bytes, int]] = {
    "a compressed bomb": (compressed_bomb(), 1002),
    "text that is not UTF-8": (Frame(OP_TEXT, b"\xff\xfe").serialize(mask=True), 1007),
    "more than a megabyte": (Frame(OP_BINARY, b"x" * 1_100_000).serialize(mask=True), 1009),
    "a frame without mask": (Frame(OP_TEXT, b"{}").serialize(mask=False), 1002),
    "an unknown opcode": (b"\x83\x80\0\0\0\0", 1002),
    "bad frames again and again": (Frame(OP_TEXT, b"{").serialize(mask=True) * 20, 1003),
}


@pytest.mark.parametrize(("data", "code"), CLOSED.values(), ids=CLOSED)
async def test_a_frame_against_the_rules_closes_with_a_name_and_disturbs_nobody(
    gateway: Gateway, members: Members, data: bytes, code: int
) -> None:
    async with bare(gateway.websocket_url()) as other, bare(gateway.websocket_url()) as client:
        await other.join(members.token("user_maria"))
        client.socket.transport.write(data)
        with pytest.raises(ConnectionClosed):
            while True:
                await client.socket.recv()
        assert client.socket.close_code == code
        assert (await other.heartbeat())["status"] == "ok"
    assert "Traceback" not in gateway.log.read_text()


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from([json.loads(nested(levels)) for levels in (100, 300)]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
refs = st.none() | st.sampled_from(["1", "2"]) | json_values
topics = st.sampled_from([TOPIC, "phoenix", "realtime:", "realtime:expectations:user:user_alex"]) | st.text()
events = st.sampled_from(["phx_join", "phx_leave", "heartbeat", "access_token", "broadcast", "presence"]) | st.text()
configs = st.fixed_dictionaries(
    {},
    optional={
        "postgres_changes": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "event": st.sampled_from(["*", "INSERT"]) | json_values,
                    "schema": st.sampled_from(["*", "public"]) | json_values,
                    "table": st.sampled_from(["*", "expectations", "users"]) | json_values,
                    "filter": st.sampled_from(["title=eq.x", "id=in.(", "title=match.(", "version=lt.x"]) | json_values,
                    "select": json_values | st.lists(st.sampled_from(["id", "title"])),
                },
            )
            | json_values,
            max_size=4,
        )
        | json_values,
        "presence": json_values | st.fixed_dictionaries({"key": json_values, "enabled": json_values}),
        "broadcast": json_values | st.fixed_dictionaries({"ack": json_values, "self": json_values}),
        "private": json_values,
    },
)
payloads = (
    st.fixed_dictionaries({"config": configs | json_values}, optional={"access_token": st.just("TOKEN") | json_values})
    | st.fixed_dictionaries({"event": st.sampled_from(["track", "untrack", "x"]), "payload": json_values})
    | json_values
)
messages = st.tuples(refs, refs, topics, events, payloads)
frames_of_clients = (
    messages.map(lambda parts: json.dumps(parts)) | st.text() | st.binary() | st.binary().map(lambda b: b"\x03" + b)
)


@given(
    version=st.sampled_from(list(Version)),
    said=st.lists(frames_of_clients, max_size=12),
    seconds=st.lists(st.integers(0, 90), max_size=12),
)
def test_no_frames_whatsoever_break_the_core_or_another_client(
    version: Version, said: list[str | bytes], seconds: list[int]
) -> None:
    world = World()
    other = world.member(user="user_other", changes=[ALL])
    client = world.client(version)
    token = world.tokens.token(lives=10_000)
    for number, frame in enumerate(said):
        if client.wire.closed is None:
            client.session.receive(frame.replace("TOKEN", token) if isinstance(frame, str) else frame)
        world.clock.advance(seconds[number] % 3 if number < len(seconds) else 0)
        client.heard()
    other.heard()
    world.change(title="still here")
    assert other.heard_changes() == ["still here"]
    world.pass_time(100)
    assert client.wire.closed is not None, "a silent client is closed in the end"
    newcomers = [world.member(user="user_new", private=private) for private in (False, True)]
    assert world.hub.clients == {newcomer.session for newcomer in newcomers}
    assert [room.presence.entries for room in rooms_of(world)] == [{}, {}], "who is gone is not present"
    assert [{channel.client for channel in room.members} for room in rooms_of(world)] == [
        {newcomer.session} for newcomer in newcomers
    ]


def rooms_of(world: World) -> list[Room]:
    """The public and the private room of the team's channel."""
    return [world.hub.rooms.named(RoomName(TEAM, TOPIC, private)) for private in (False, True)]
