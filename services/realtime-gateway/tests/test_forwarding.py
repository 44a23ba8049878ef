"""What a client says goes on to the others exactly as it was sent."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rte_realtime_gateway.clients.session import MAX_BAD_FRAMES
from rte_realtime_gateway.protocol import json_text
from rte_realtime_gateway.protocol.frames import Encoding, Version
from rte_realtime_gateway.protocol.json_text import BadJson
from rte_realtime_gateway.rooms.rooms import DIFF_SECONDS
from rte_testkit.bare_client import bare
from rte_testkit.gateway import Gateway, Members
from rte_testkit.gateway_world import TOPIC, Client, World, frames, kind3

TEXTS = {
    "half an emoji": r'{"event":"x","payload":{"text":"\ud83d"}}',
    "the other half": r'{"event":"x","payload":{"text":"a\udc00b"}}',
    "half an emoji as a name": r'{"event":"x","payload":{"\ud83d":1}}',
    "half an emoji as the event": r'{"event":"\ud83d","payload":{}}',
    "an escaped backslash before it": r'{"event":"x","payload":{"text":"\\ud83d"}}',
    "integers beyond 2^53": '{"event":"x","payload":{"n":[9007199254740993,123456789012345678901234567890]}}',
    "an integer of a thousand digits": '{"event":"x","payload":{"n":' + "9" * 1000 + "}}",
    "minus zero": '{"event":"x","payload":{"n":-0}}',
    "a number out of range": '{"event":"x","payload":{"n":1E400}}',
    "numbers in other words": '{"event":"x","payload":{"n":[1e15,1.50,1E+2]}}',
    "names said twice": '{"event":"x","payload":{"a":1,"a":2}}',
    "blanks": '{ "event" : "x" , "payload" : { } }',
    "Flutter: fields beside the event": '{"type":"broadcast","event":"x","cursor":{"x":1},"user":"maria"}',
    "C#: fields of its own": '{"type":"broadcast","Event":"x","Payload":{"X":1},"SentAt":null}',
    "no event": '{"payload":{"n":1}}',
    "no event and no payload": "{}",
    "an empty event": '{"event":null,"payload":null}',
    "a payload that is a list": '{"event":"x","payload":[1]}',
    "meta": '{"event":"x","payload":{},"meta":{"of":"the sender"}}',
    "names of every object": '{"event":"constructor","payload":{"__proto__":{"a":1},"toString":2}}',
}


def frame(version: Version, event: str, payload: str, ref: str = '"9"') -> str:
    """A text frame with this payload, word for word."""
    if version is Version.V2:
        return f'[null,{ref},"{TOPIC}","{event}",{payload}]'
    return f'{{"ref":{ref},"payload":{payload},"topic":"{TOPIC}","event":"{event}","join_ref":null}}'


def payloads(client: Client) -> list[str]:
    """The payload of each text frame that came, word for word."""
    client.world.clock.advance(DIFF_SECONDS)
    data, client.wire.data = client.wire.data, b""
    reader: Any = json_text.elements(json_text.part) if client.version is Version.V2 else json_text.members()
    read = [json_text.whole(text, reader) for first, text in frames(data) if first == 0x81]
    return [(parts[4] if isinstance(parts, list) else parts["payload"]).text for parts in read]


@pytest.mark.parametrize("text", [*TEXTS.values(), '{"event":"]","payload":{"a":[{}]}}'])
@pytest.mark.parametrize(
    ("before", "between", "after"), [("", ",", ""), (" ", " , ", " "), ("", ", ", "\n"), ("", ",", ',{"a":1}')]
)
def test_however_a_frame_is_written_its_payload_is_found(text: str, before: str, between: str, after: str) -> None:
    world = World()
    sender, listener = world.member(), world.member(user="user_maria")
    sender.session.receive(
        before + "[" + between.join(["null", '"9"', f'"{TOPIC}"', '"broadcast"', text]) + after + "]"
    )
    assert payloads(listener) == [text]


@pytest.mark.parametrize("receiving", Version)
@pytest.mark.parametrize("sending", Version)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_broadcast_arrives_word_for_word(text: str, sending: Version, receiving: Version) -> None:
    world = World()
    sender, listener = world.member(sending, broadcast={"ack": True}), world.member(receiving, "user_maria")
    sender.session.receive(frame(sending, "broadcast", text))
    assert payloads(listener) == [text]
    assert [(said.ref, said.payload["status"]) for said in sender.heard()] == [("9", "ok")]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_binary_broadcast_arrives_word_for_word(text: str) -> None:
    world = World()
    sender, new, old = world.member(), world.member(user="user_maria"), world.member(Version.V1, "user_sophia")
    sender.session.receive(kind3("1", "9", TOPIC, "wave", b"", Encoding.JSON, text.encode()))
    new.heard()
    assert [binary.endswith(b"wave" + text.encode()) for binary in new.binary] == [True]
    assert payloads(old) == [f'{{"type":"broadcast","event":"wave","payload":{text}}}']


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_tracked_arrives_word_for_word(text: str, version: Version) -> None:
    world = World()
    sender, watcher = world.member(version, presence={"key": "k"}), world.member(user="user_maria")
    sender.session.receive(frame(version, "presence", f'{{"event":"track","payload":{{"said":{text[:700]}}}}}'))
    if len(text) > 700:
        assert sender.heard()[0].payload["status"] == "error"
        return
    assert sender.heard()[0].payload == {"status": "ok", "response": {}}
    (diff,) = payloads(watcher)
    assert f'"metas":[{{"said":{text},"user_id":"user_alex","phx_ref":"' in diff


def test_nobody_is_present_as_somebody_else_whatever_the_payload_says() -> None:
    world = World()
    sender, watcher = world.member(presence={"key": "k"}), world.member(user="user_maria")
    said = r'{"user_id":"user_maria","us\u0065r_id":"user_maria","phx_ref":"mine","on":1}'
    sender.session.receive(frame(Version.V2, "presence", f'{{"event":"track","payload":{said}}}'))
    (diff,) = payloads(watcher)
    assert diff.count("user_id") == diff.count("phx_ref") == 1
    assert '"on":1,"user_id":"user_alex","phx_ref":' in diff


@pytest.mark.parametrize(
    "payload",
    [
        "null",
        "1",
        '"x"',
        "[]",
        '{"ids":[1]}',
        r'{"event":"x","\u0069ds":1,"payload":{}}',
        '{"event":1}',
        '{"event":{}}',
    ],
)
def test_a_broadcast_that_would_break_the_official_clients_is_refused(payload: str) -> None:
    world = World()
    sender, listener = world.member(broadcast={"ack": True}), world.member(user="user_maria")
    sender.session.receive(frame(Version.V2, "broadcast", payload))
    assert listener.heard() == []
    (reply,) = sender.heard()
    assert (reply.ref, reply.payload["response"]["reason"].split(":")[0]) == ("9", "InvalidBroadcast")


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("event", ["phx_join", "access_token", "anything"])
def test_half_an_emoji_in_what_we_must_read_is_refused_by_its_ref_and_closes_nothing(
    version: Version, event: str
) -> None:
    client = World().member(version)
    text = r'{"config":{"presence":{"key":"\ud83d"}},"access_token":"a.\ud83d.b"}'
    for number in range(2 * MAX_BAD_FRAMES):
        client.session.receive(frame(version, event, text, ref=f'"{number}"'))
    replies = client.heard()
    assert [said.ref for said in replies] == [str(number) for number in range(2 * MAX_BAD_FRAMES)]
    assert all(said.payload["response"]["reason"].startswith("BadFrame: ") for said in replies)
    assert client.wire.closed is None


async def test_http_broadcasts_arrive_word_for_word(gateway: Gateway, members: Members, team: str) -> None:
    headers = {"Authorization": f"Bearer {members.token('user_alex', team=team)}", "content-type": "application/json"}
    async with (
        bare(gateway.websocket_url()) as listener,
        httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as http,
    ):
        await listener.join(members.token("user_maria", team=team))
        for text in TEXTS.values():
            batch = f'{{"messages":[{{"topic":"expectations:active","event":"x","payload":{text}}}]}}'
            for path, body in ("", batch), ("/expectations%3Aactive/events/x", text):
                answer = await http.post(f"/api/broadcast{path}", content=body)
                assert answer.status_code == 202, answer.text
                assert await next_broadcast(listener.socket) == f'{{"type":"broadcast","event":"x","payload":{text}}}'


async def next_broadcast(socket: Any) -> str:
    """The payload of the next broadcast, word for word."""
    while '"broadcast"' not in (message := await socket.recv()):
        continue
    text: str = json_text.whole(message, json_text.elements(json_text.part))[4].text
    return text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
    st.sampled_from([None, 1]),
)
def test_any_json_is_taken_apart_into_its_own_text(value: Any, indent: int | None) -> None:
    text = json.dumps([value, {"name": value, 'na"me': 1}], indent=indent)
    first, second = json_text.whole(text, json_text.elements(json_text.part))
    assert (json.loads(first.text), json.loads(second.text)) == (value, {"name": value, 'na"me': 1})
    assert json.loads(json_text.whole(second.text, json_text.members())["name"].text) == value


@given(st.text(alphabet='[]{}",:1\\u -.eE\n'))
def test_what_is_no_json_is_never_taken_for_it(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda constant: 1 / 0, parse_int=float)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(BadJson):
            json_text.read(text)
    else:
        json_text.read(text)


@pytest.mark.parametrize("name", ["array", "object"])
def test_what_would_take_long_to_take_apart_is_refused(name: str) -> None:
    client = World().member(Version.V2 if name == "array" else Version.V1, broadcast={"ack": True})
    many = ",".join("[]" if name == "array" else f'"{number}":0' for number in range(100_000))
    beyond = (
        f'[null,"9","{TOPIC}","broadcast",{{}},{many}]'
        if name == "array"
        else (f'{{"topic":"{TOPIC}","event":"broadcast","payload":{{}},"ref":"9",{many}}}')
    )
    client.session.receive(beyond)
    assert client.heard()[0].payload["status"] == "error"
