"""Frames: what one websocket message holds, in protocol versions 1.0.0 and 2.0.0.

1.0.0 is a JSON object per text frame. 2.0.0 is a JSON array of five, and user broadcasts may be binary: kind 3 from the
client, kind 4 to it. (Phoenix.Socket.V1/V2.JSONSerializer; realtime-js src/lib/serializer.ts.)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

import orjson

MAX_HEADER_FIELD = 255
"""Bytes of a header field: binary frames count them in one byte. Refs and topics of text frames are held to it too."""
MAX_DEPTH = 128
"""Levels of JSON in a client's frame: orjson reads 1,024, but writes only 254, and what is sent on gets some more."""
MAX_FRAME_BYTES = 1 << 20
"""Bytes of a frame that clients take: Python's websocket library refuses more, and its client then loops."""
MAX_OVERHEAD_BYTES = 256
"""Bytes that a broadcast's frame has at most beside topic, event, metadata and payload."""
USER_BROADCAST_PUSH = 3
USER_BROADCAST = 4
TEXT, BINARY, PING = 0x81, 0x82, 0x89
"""First byte of an unfragmented websocket frame (RFC 6455, 5.2)."""


class Version(Enum):
    """Protocol version, the query parameter `vsn`."""

    V1 = "1.0.0"
    V2 = "2.0.0"


class Encoding(IntEnum):
    """Encoding of the payload of a binary broadcast."""

    RAW = 0
    JSON = 1


class BadFrame(ValueError):
    """Frame that cannot be understood; the text says why and is safe to send back."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """User broadcast: `payload` is JSON text, or any bytes when `encoding` says RAW."""

    event: str
    payload: bytes
    encoding: Encoding = Encoding.JSON
    meta: bytes = b""
    """Metadata: a JSON object, or nothing."""
    binary: bool = False
    """Whether the broadcast came as a binary frame: version 2 receivers then get one as well."""

    def is_too_large(self, topic: str) -> bool:
        """Whether clients might refuse its frame. What was short enough may be so no longer: 1e15 is written with all
        its zeros."""
        names = len(orjson.dumps(topic)) + len(orjson.dumps(self.event))
        return len(self.payload) + len(self.meta) + names + MAX_OVERHEAD_BYTES > MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Message:
    """Message of a client. `payload` is any JSON value, or a Broadcast when it came as a binary frame."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None
    size: int = 0
    """Bytes or characters of the frame: about what it takes to keep the message."""


def decode_text(version: Version, text: str | bytes) -> Message:
    """Read a text frame; raises BadFrame."""
    value = _json(text, "frame")
    if version is Version.V1:
        if not isinstance(value, dict):
            raise BadFrame("A frame of version 1.0.0 is an object")
        fields = [value.get(key) for key in ("join_ref", "ref", "topic", "event", "payload")]
    else:
        if not isinstance(value, list) or len(value) != 5:
            raise BadFrame("A frame of version 2.0.0 is an array of five")
        fields = value
    join_ref, ref, topic, event, payload = fields
    if not (isinstance(topic, str) and isinstance(event, str)):
        raise BadFrame("topic and event are strings")
    if not (isinstance(ref, str | None) and isinstance(join_ref, str | None)):
        raise BadFrame("ref and join_ref are strings or null")
    if len(ref or "") > MAX_HEADER_FIELD or len(join_ref or "") > MAX_HEADER_FIELD:
        raise BadFrame(f"ref and join_ref have at most {MAX_HEADER_FIELD} characters")
    return Message(topic, event, payload, ref, join_ref, len(text))


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
    if meta and not isinstance(_json(meta, "metadata"), dict):
        raise BadFrame("The metadata is an object")
    if encoding == Encoding.JSON:
        _json(payload, "payload")
    broadcast = Broadcast(event, payload, Encoding(encoding), meta, binary=True)
    return Message(topic, "broadcast", broadcast, ref or None, join_ref or None, len(data))


def _json(data: str | bytes, name: str) -> Any:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise BadFrame(f"The {name} is not JSON") from None
    if is_deep(data, value):
        raise BadFrame(f"The {name} has more than {MAX_DEPTH} levels")
    return value


def is_deep(data: str | bytes, value: Any) -> bool:
    """Whether the value, read from this JSON, has so many levels that it could not be written again."""
    opened = sum(map(data.count, "[{")) if isinstance(data, str) else sum(map(data.count, (b"[", b"{")))
    if opened <= MAX_DEPTH:
        return False  # as nearly always: counting is much faster than looking
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


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


def push(
    version: Version, topic: str, event: str, payload: bytes, *, ref: str | None = None, join_ref: str | None = None
) -> bytes:
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
    meta = b',"meta":' + broadcast.meta if broadcast.meta else b""
    parts = (b'{"type":"broadcast","event":', orjson.dumps(broadcast.event), b',"payload":', broadcast.payload, meta)
    return push(version, topic, "broadcast", b"".join(parts) + b"}")


def _user_broadcast(topic: str, broadcast: Broadcast) -> bytes:
    names = topic.encode(), broadcast.event.encode(), broadcast.meta
    header = bytes((USER_BROADCAST, *map(len, names), broadcast.encoding))
    return b"".join((header, *names, broadcast.payload))
