"""Where the image in a file ends, for each kind that is accepted.

A file that goes on after its image is a polyglot: an image for us, an archive or a page for somebody else.
"""

import re
import struct

START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
STANDALONE = {0x01, *range(0xD0, 0xD8)}
"""JPEG markers without a length."""
START_OF_IMAGE = b"\xff\xd8\xff"
ZEROS = re.compile(rb"\0*")
GIF_TRAILER, GIF_EXTENSION, GIF_IMAGE = 0x3B, 0x21, 0x2C


class BrokenContainer(Exception):
    """The file does not have the structure of its kind."""


def image_end(kind: str, data: bytes) -> int:
    """The offset after the image of that kind (JPEG, PNG, WEBP, GIF); BrokenContainer when it has no end."""
    try:
        return {"JPEG": _jpegs, "PNG": _png, "WEBP": _webp, "GIF": _gif}[kind](data)
    except (struct.error, IndexError) as error:
        raise BrokenContainer("the file ends within the image") from error


def _jpegs(data: bytes) -> int:
    """Phones put a depth map, a gain map or a preview behind the photo, each a JPEG of its own (MPF, Ultra HDR)."""
    end = _jpeg(data, 0)
    while data.startswith(START_OF_IMAGE, start := _after_zeros(data, end)):
        end = _jpeg(data, start)
    return end


def _after_zeros(data: bytes, position: int) -> int:
    zeros = ZEROS.match(data, position)
    return zeros.end() if zeros else position


def _jpeg(data: bytes, start: int) -> int:
    position = start + 2
    while True:
        if data[position] != 0xFF:
            raise BrokenContainer("a JPEG segment is missing")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1  # a fill byte
        elif marker == END_OF_IMAGE:
            return position + 2
        elif marker in STANDALONE:
            position += 2
        else:
            length: int
            (length,) = struct.unpack_from(">H", data, position + 2)
            position += 2 + length
            if marker == START_OF_SCAN:
                position = _after_scan(data, position)


def _after_scan(data: bytes, position: int) -> int:
    """Compressed data goes on until a marker that is neither a stuffed byte nor a restart."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            raise BrokenContainer("the JPEG has no end")
        if data[position + 1] == 0 or data[position + 1] in STANDALONE:
            position += 2
        else:
            return position


def _png(data: bytes) -> int:
    position = 8
    while True:
        length: int
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if kind == b"IEND":
            return position


def _webp(data: bytes) -> int:
    length: int
    (length,) = struct.unpack_from("<I", data, 4)
    return 8 + length + length % 2


def _gif(data: bytes) -> int:
    position = 13 + _color_table(data[10])
    while data[position] != GIF_TRAILER:
        if data[position] == GIF_EXTENSION:
            position += 2
        elif data[position] == GIF_IMAGE:
            position += 10 + _color_table(data[position + 9]) + 1
        else:
            raise BrokenContainer("a GIF block is missing")
        while data[position]:
            position += 1 + data[position]
        position += 1
    return position + 1


def _color_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
