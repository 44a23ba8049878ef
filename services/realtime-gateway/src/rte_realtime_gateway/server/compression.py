"""Compression (RFC 7692, permessage-deflate): frames that are made once for many sockets are deflated once for them.

That works because nothing is remembered between two messages (`server_no_context_takeover`): less is saved than with a
memory of its own for each socket, but a socket costs no more memory and a delivery hardly more time.
"""

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import DATA_OPCODES

from rte_realtime_gateway.protocol.frames import server_frame

LEVEL = 1
MIN_BYTES = 128
"""Bytes of a message below which it would hardly get shorter."""
MAX_CACHED_WRITES = 8
"""Writes whose deflated form is remembered: all sockets of an audience get the same one after the other."""
MIN_WINDOW_BITS = 9
"""Bits of the smallest window for which zlib can deflate; clients may ask for 8."""
COMPRESSED = 0x40
"""Bit of a frame's first byte that says that its payload is deflated (RSV1)."""
END = b"\x00\x00\xff\xff"
"""Bytes with which a sync flush ends, and which the receiver adds again (RFC 7692, 7.2.1)."""

NEGOTIATED = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""Compression that clients may offer; neither side keeps anything between messages, so that idle sockets stay small."""


def window_bits(extensions: Sequence[Extension]) -> int | None:
    """The window for what is sent, if compression was agreed upon."""
    for extension in extensions:
        if isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= MIN_WINDOW_BITS:
            return extension.local_max_window_bits
    return None


@lru_cache(maxsize=MAX_CACHED_WRITES)
def deflated(frames: bytes, bits: int) -> bytes:
    """The same complete frames of a server, each message deflated where that makes it shorter."""
    return b"".join(_deflated(frame, first, payload, bits) for frame, first, payload in _split(frames))


def _deflated(frame: bytes, first: int, payload: bytes, bits: int) -> bytes:
    if first & 0x0F not in DATA_OPCODES or len(payload) < MIN_BYTES:
        return frame
    deflate = zlib.compressobj(LEVEL, wbits=-bits)
    shorter = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(END)
    return server_frame(first | COMPRESSED, shorter) if len(shorter) < len(payload) else frame


def _split(frames: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Each frame whole, its first byte and its payload."""
    start = 0
    while start < len(frames):
        length = {126: 2, 127: 8}.get(frames[start + 1], 0)
        head = start + 2 + length
        size = int.from_bytes(frames[start + 2 : head], "big") if length else frames[start + 1]
        yield frames[start : head + size], frames[start], frames[head : head + size]
        start = head + size
