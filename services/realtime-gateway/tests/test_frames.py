"""The frames of both versions, byte by byte."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import OP_TEXT, Frame

from rte_realtime_gateway.clients.session import MAX_BAD_FRAMES
from rte_realtime_gateway.protocol.frames import (
    BadFrame,
    Broadcast,
    Encoding,
    Version,
    decode_binary,
    decode_text,
    push,
    push_broadcast,
    text_frame,
)
from rte_testkit.gateway_world import TOPIC, World, frames, kind3

names = st.text(max_size=60)


@given(names, names, names, names, st.sampled_from([b"", b'{"persist":true}']), st.binary(max_size=300))
def test_a_binary_broadcast_is_read_field_by_field(
    join_ref: str, ref: str, topic: str, event: str, meta: bytes, payload: bytes
) -> None:
    message = decode_binary(kind3(join_ref, ref, topic, event, meta, Encoding.RAW, payload))
    assert (message.join_ref, message.ref, message.topic) == (join_ref or None, ref or None, topic)
    assert message.payload == Broadcast(event, payload, Encoding.RAW, meta, binary=True)


def test_a_binary_broadcast_goes_out_as_kind_4() -> None:
    broadcast = Broadcast("wave", b"\x00\xff", Encoding.RAW, b'{"id":"1"}', binary=True)
    frame = push_broadcast(Version.V2, "realtime:x", broadcast)
    assert frame is not None
    assert frame[2:] == bytes((4, 10, 4, 10, 0)) + b"realtime:x" + b"wave" + b'{"id":"1"}' + b"\x00\xff"
    assert push_broadcast(Version.V1, "realtime:x", broadcast) is None


def test_a_json_broadcast_crosses_the_versions_both_ways() -> None:
    world = World()
    new, old = world.member(Version.V2), world.member(Version.V1, user="user_maria")
    new.session.receive(kind3("1", "9", TOPIC, "wave", b"", Encoding.JSON, b'{"n":1}'))
    assert [said.payload for said in old.heard()] == [{"type": "broadcast", "event": "wave", "payload": {"n": 1}}]
    old.say("broadcast", {"type": "broadcast", "event": "back", "payload": {"n": 2}})
    assert [said.payload for said in new.heard()] == [{"type": "broadcast", "event": "back", "payload": {"n": 2}}]
    other = world.member(Version.V2, user="user_sophia")
    new.session.receive(kind3("1", "9", TOPIC, "wave", b"", Encoding.JSON, b'{"n":3}'))
    other.heard()
    assert other.binary == [bytes((4, len(TOPIC), 4, 0, 1)) + TOPIC.encode() + b'wave{"n":3}']


@pytest.mark.parametrize("event", ["gelöscht", "größe", "ö"])
def test_broadcasts_that_older_clients_damage_are_refused_and_close_nothing(event: str) -> None:
    client = World().member()
    names = TOPIC.encode() + event.encode()
    for _ in range(2 * MAX_BAD_FRAMES):
        client.session.receive(bytes((3, 0, 0, len(TOPIC), len(event), 0, 1)) + names + b'{"n":1}')
    assert [said.payload["status"] for said in client.heard()] == ["error"] * 2 * MAX_BAD_FRAMES
    assert client.wire.closed is None


@given(st.binary(max_size=300))
def test_binary_garbage_is_a_bad_frame_or_a_message(data: bytes) -> None:
    with suppress(BadFrame):
        decode_binary(data)


@given(st.sampled_from(list(Version)), st.text() | st.from_regex(r"\A[\[{].*"))
def test_textual_garbage_is_a_bad_frame_or_a_message(version: Version, text: str) -> None:
    with suppress(BadFrame):
        decode_text(version, text)


@given(names, names, st.none() | names)
def test_pushes_are_json_with_everything_in_its_place(topic: str, event: str, ref: str | None) -> None:
    ((_, v1),) = frames(push(Version.V1, topic, event, b'{"a":1}', ref=ref, join_ref="7"))
    assert json.loads(v1) == {"topic": topic, "event": event, "payload": {"a": 1}, "ref": ref}
    ((_, v2),) = frames(push(Version.V2, topic, event, b'{"a":1}', ref=ref, join_ref="7"))
    assert json.loads(v2) == ["7", ref, topic, event, {"a": 1}]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
def test_websocket_frames_are_those_of_the_library(size: int) -> None:
    assert text_frame(b"x" * size) == Frame(OP_TEXT, b"x" * size).serialize(mask=False)


def test_a_change_too_large_for_python_keeps_its_short_fields_and_says_so() -> None:
    world = World()
    client = world.member()
    created = world.change(title="x" * 1_200_000)
    (said,) = client.heard()
    data = said.payload["data"]
    assert data["errors"] == ["Error 413: Payload Too Large"]
    assert data["record"] == {name: value for name, value in created.items() if name != "title"}
