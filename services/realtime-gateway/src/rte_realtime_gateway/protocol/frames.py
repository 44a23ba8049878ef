"""Frames: what one websocket message holds, in protocol versions 1.0.0 and 2.0.0.

1.0.0 is a JSON object per text frame. 2.0.0 is a JSON array of five, and user broadcasts may be binary: kind 3 from the
client, kind 4 to it. (Phoenix.Socket.V1/V2.JSONSerializer; realtime-js src/lib/serializer.ts.)
"""

import re
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

import orjson

from rte_realtime_gateway.protocol import json_text
from rte_realtime_gateway.protocol.json_text import MAX_PARTS, BadJson, Part

MAX_HEADER_FIELD = 255
"""Bytes of a header field: binary frames count them in one byte. Refs and topics of text frames are held to it too."""
FIELDS = "join_ref", "ref", "topic", "event", "payload"
"""Fields of a frame in the order of version 2.0.0, by their names in 1.0.0."""
HEAD = re.compile(r'\[(?:(?:"[^"\\]*"|null), ?){4}(?=\{)')
"""All before the payload in a frame of version 2.0.0, as JSON.stringify and Python's json write it."""
NOTHING = Part(None, "null")
ARRAY, OBJECT = json_text.elements(json_text.part), json_text.members()
MAX_INTEGER = (1 << 53) - 1
"""Largest integer that JavaScript writes exactly."""
FORWARDED = frozenset({"broadcast", "presence"})
"""Events whose payload goes on to others, as it was sent."""
MAX_FRAME_BYTES = 1 << 20
"""Bytes of a frame that clients take: Python's websocket library refuses more, and its client then loops."""
MAX_OVERHEAD_BYTES = 256
"""Bytes that a broadcast's frame has at most beside topic, event, metadata and payload."""
USER_BROADCAST_PUSH = 3
USER_BROADCAST = 4
TEXT, BINARY, PING = 0x81, 0x82, 0x89
"""First byte of an unfragmented websocket frame (RFC 6455, 5.2)."""
VERSIONS = re.compile(r"([12])\.0\.[0-9]{1,9}", re.ASCII)
"""What clients may call a version: Phoenix takes any of its patches."""

Ref = str | int | None
"""Number of a client's message, or of its join, which answers repeat as it was sent; clients in C# send integers."""


class Version(Enum):
    """Protocol version, the query parameter `vsn`."""

    V1 = "1.0.0"
    V2 = "2.0.0"

    @classmethod
    def named(cls, vsn: str) -> "Version | None":
        """The version of that name, if there is one."""
        found = VERSIONS.fullmatch(vsn)
        return found and cls(f"{found[1]}.0.0")


class Encoding(IntEnum):
    """Meaning of a broadcast's payload; the first two are those of binary frames."""

    RAW = 0
    JSON = 1
    MESSAGE = 2
    """All that a text frame said: the event, the payload, and whatever else its sender put beside them."""


class BadFrame(ValueError):
    """Frame that cannot be understood; the text says why and is safe to send back."""

    def __init__(self, text: str, message: "Message | None" = None) -> None:
        super().__init__(text)
        self.message = message
        """Message that the frame is, when all but its payload can be understood."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """User broadcast: `payload` is JSON text as it was sent, or any bytes when `encoding` says RAW."""

    event: str
    """Name of the event, which a whole MESSAGE has in its payload."""
    payload: bytes
    encoding: Encoding = Encoding.JSON
    meta: bytes = b""
    """Metadata: a JSON object, or nothing."""
    binary: bool = False
    """Whether the broadcast came as a binary frame: version 2 receivers then get one as well."""

    def is_too_large(self, topic: str) -> bool:
        """Whether clients might refuse its frame."""
        names = len(orjson.dumps(topic)) + len(orjson.dumps(self.event))
        return len(self.payload) + len(self.meta) + names + MAX_OVERHEAD_BYTES > MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Message:
    """Message of a client. `payload` is any JSON value, or a Broadcast when it came as a binary frame."""

    topic: str
    event: str
    payload: Any
    ref: Ref = None
    join_ref: Ref = None
    size: int = 0
    """Bytes or characters of the frame: about what it takes to keep the message."""
    text: str = ""
    """Payload as it was sent, if it goes on to others."""


def decode_text(version: Version, text: str) -> Message:
    """Read a text frame; raises BadFrame."""
    try:
        json_text.check_depth(text)
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return _unwritable(version, text)
        fields = _fields(version, value)
        forwarded = isinstance(fields[3], str) and fields[3] in FORWARDED
        return _message(fields, len(text), _payload(version, value, text) if forwarded else "")
    except BadJson as error:
        raise BadFrame(f"The frame {error}") from None


def _fields(version: Version, value: Any) -> list[Any]:
    """join_ref, ref, topic, event and payload. What an array has beyond them is ignored, as Phoenix does."""
    if version is Version.V1:
        if not isinstance(value, dict):
            raise BadFrame("A frame of version 1.0.0 is an object")
        return [value.get(name) for name in FIELDS]
    if not isinstance(value, list) or not len(FIELDS) <= len(value) <= MAX_PARTS:
        raise BadFrame("A frame of version 2.0.0 is an array of five")
    return value[: len(FIELDS)]


def _message(fields: list[Any], size: int, text: str) -> Message:
    join_ref, ref, topic, event, payload = fields
    if not (isinstance(topic, str) and isinstance(event, str)):
        raise BadFrame("topic and event are strings")
    return Message(topic, event, payload, _ref(ref), _ref(join_ref), size, text)


def _ref(value: Any) -> Ref:
    if value is None:
        return None
    if isinstance(value, str):
        if len(value) > MAX_HEADER_FIELD:
            raise BadFrame(f"ref and join_ref have at most {MAX_HEADER_FIELD} characters")
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise BadFrame("ref and join_ref are strings, whole numbers or null")
    return value


def _payload(version: Version, value: Any, text: str) -> str:
    """The text of the payload in a frame whose value this is."""
    if version is Version.V2 and len(value) == len(FIELDS) and text.endswith("}]") and (head := HEAD.match(text)):
        return text[head.end() : -1]  # as official clients write it, and five times as fast
    return _parts(version, text)[4].text


def _parts(version: Version, text: str) -> list[Part]:
    """The five fields with their text."""
    if version is Version.V1:
        members = json_text.whole(text, OBJECT)
        return [members.get(name, NOTHING) for name in FIELDS]
    return json_text.whole(text, ARRAY)


def _unwritable(version: Version, text: str) -> Message:
    """Read a frame with half an emoji, or a number out of range; raises BadFrame unless that only goes on."""
    fields = _fields(version, json_text.whole(text, json_text.part).value)
    fields[:2] = [int(ref) if isinstance(ref, float) and ref.is_integer() else ref for ref in fields[:2]]
    message = _message(fields, len(text), _parts(version, text)[4].text)
    try:
        for name in (message.topic, message.event, message.ref, message.join_ref):
            str(name).encode()
    except UnicodeEncodeError:
        raise BadFrame("The topic, the event or a ref has half a character") from None
    if message.event in FORWARDED:
        return message
    raise BadFrame("The payload has half a character, or a number out of range", message)


def is_broadcast(data: str | bytes) -> bool:
    """Whether the frame is meant for a user broadcast, well-formed or not."""
    return isinstance(data, bytes) and data[:1] == bytes((USER_BROADCAST_PUSH,))


def decode_binary(data: bytes) -> Message:
    """Read a binary frame of version 2.0.0, which is a user broadcast (kind 3); raises BadFrame."""
    if len(data) < 7 or data[0] != USER_BROADCAST_PUSH:
        raise BadFrame("A binary frame is a user broadcast (kind 3)")
    lengths, encoding = data[1:6], data[6]
    if encoding not in (Encoding.RAW, Encoding.JSON):
        raise BadFrame("The payload encoding is 0 (bytes) or 1 (JSON)")
    fields: list[bytes] = []
    start = 7
    for length in lengths:
        fields.append(data[start : start + length])
        start += length
    if start > len(data):
        raise BadFrame("The header is longer than the frame")
    try:
        join_ref, ref, topic, event = (field.decode() for field in fields[:4])
    except UnicodeDecodeError:
        # realtime-js before 2.110.4 counts UTF-16 units, so that its non-ASCII names arrive cut.
        raise BadFrame("A header field is not UTF-8") from None
    meta, payload = fields[4], data[start:]
    try:
        if meta and not isinstance(json_text.read(meta), dict):
            raise BadFrame("The metadata is an object")
        if encoding == Encoding.JSON:
            json_text.read(payload)
    except BadJson as error:
        raise BadFrame(f"The payload, or the metadata, {error}") from None
    broadcast = Broadcast(event, payload, Encoding(encoding), meta, binary=True)
    return Message(topic, "broadcast", broadcast, ref or None, join_ref or None, len(data))


def text_frame(payload: bytes) -> bytes:
    """A websocket text frame as a server sends it: complete and unmasked."""
    return server_frame(TEXT, payload)


def ping_frame(payload: bytes) -> bytes:
    """A websocket ping (at most 125 bytes); every client library answers it by itself with the same bytes."""
    return server_frame(PING, payload)


def server_frame(first: int, payload: bytes) -> bytes:
    """A whole unmasked frame; `first` is its first byte: flags and opcode."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def push(version: Version, topic: str, event: str, payload: bytes, *, ref: Ref = None, join_ref: Ref = None) -> bytes:
    """The websocket frame of a server message; `payload` is JSON text.

    `ref` stays null in all but replies, `phx_close` and `phx_error`: the Python client refuses anything else.
    """
    topic_json, event_json, ref_json = orjson.dumps(topic), orjson.dumps(event), orjson.dumps(ref)
    if version is Version.V1:
        parts = (
            b'{"topic":',
            topic_json,
            b',"event":',
            event_json,
            b',"payload":',
            payload,
            b',"ref":',
            ref_json,
            b"}",
        )
        return text_frame(b"".join(parts))
    parts_of_array = (orjson.dumps(join_ref), ref_json, topic_json, event_json, payload)
    return text_frame(b"[" + b",".join(parts_of_array) + b"]")


def push_broadcast(version: Version, topic: str, broadcast: Broadcast) -> bytes | None:
    """The websocket frame of a broadcast to a receiver; None where its version cannot express it.

    Bytes do not exist in 1.0.0, and the real server leaves such receivers out too.
    """
    if version is Version.V2 and (broadcast.binary or broadcast.encoding is Encoding.RAW):
        return server_frame(BINARY, _user_broadcast(topic, broadcast))
    if broadcast.encoding is Encoding.RAW:
        return None
    if broadcast.encoding is Encoding.MESSAGE:
        return push(version, topic, "broadcast", broadcast.payload)
    meta = b',"meta":' + broadcast.meta if broadcast.meta else b""
    parts = (b'{"type":"broadcast","event":', orjson.dumps(broadcast.event), b',"payload":', broadcast.payload, meta)
    return push(version, topic, "broadcast", b"".join(parts) + b"}")


def _user_broadcast(topic: str, broadcast: Broadcast) -> bytes:
    names = topic.encode(), broadcast.event.encode(), broadcast.meta
    header = bytes((USER_BROADCAST, *map(len, names), broadcast.encoding))
    return b"".join((header, *names, broadcast.payload))
