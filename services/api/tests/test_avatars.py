"""A member's picture: decided by content, made anew without anything but its pixels, and bombs refused."""

import io
import struct
import time
import zlib
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from .running import Api, Team

ORIENTATION, GPS = 0x0112, 0x8825
SOME_ZIP = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)


def picture(kind: str, left: str = "red", exif: Image.Exif | None = None, **options: object) -> bytes:
    """A picture whose right half is blue."""
    image = Image.new("RGB", (400, 300), "blue")
    image.paste(left, (0, 0, 200, 300))
    out = io.BytesIO()
    image.save(out, kind, **({"exif": exif} if exif else {}), **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that is gigabytes of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
async def alex(api: Api, team: Team) -> httpx.AsyncClient:
    return await api.member(team, "alex")


async def shown(url: str) -> Image.Image:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = (await http.get(url)).raise_for_status()
    assert answer.headers["content-type"] == "image/webp"
    assert "max-age=31536000" in answer.headers["cache-control"]
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_a_picture_becomes_square_webp_in_three_sizes(alex: httpx.AsyncClient, kind: str) -> None:
    # The declared type does not matter.
    answer = await alex.put("/me/avatar", content=picture(kind), headers={"content-type": "text/html"})
    url = answer.json()["avatar_url"]

    assert answer.status_code == 200
    assert (await alex.get("/me")).json()["avatar_url"] == url
    for size in (64, 256, 512):
        image = await shown(url.replace("256.webp", f"{size}.webp"))
        assert (image.format, image.size) == ("WEBP", (size, size))


async def test_a_picture_is_turned_upright_and_its_metadata_removed(alex: httpx.AsyncClient) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # lies on its left side
    exif[GPS] = {1: "N", 2: (38.0, 42.0, 0.0)}
    answer = await alex.put("/me/avatar", content=picture("JPEG", exif=exif, comment=b"secret"))
    image = await shown(answer.json()["avatar_url"])
    top, bottom = (image.convert("RGB").getpixel((128, y)) for y in (20, 236))

    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 50 > top[2], "red is on top"
    assert bottom[2] > 200 > 50 > bottom[0], "blue is below"
    assert not image.getexif()
    assert set(image.info) <= {"loop", "background", "timestamp", "duration"}


async def test_the_old_picture_is_removed_and_without_one_the_picture_at_clerk_is_shown(
    api: Api, alex: httpx.AsyncClient
) -> None:
    api.database.execute("update users set avatar_url = 'https://img.clerk.com/1' where id = 'user_alex'")
    first = (await alex.put("/me/avatar", content=picture("PNG"))).json()["avatar_url"]
    second = (await alex.put("/me/avatar", content=picture("PNG", "green"))).json()["avatar_url"]
    api.database.execute("update users set avatar_url = 'https://img.clerk.com/2' where id = 'user_alex'")
    kept = (await alex.get("/me")).json()["avatar_url"]
    deleted = await alex.delete("/me/avatar")
    async with httpx.AsyncClient(trust_env=False) as http:
        gone = [(await http.get(url)).status_code for url in (first, second)]

    assert first != second
    assert kept == second, "what Clerk says does not replace the member's own picture"
    assert deleted.status_code == 204
    assert gone == [400, 400]  # how Supabase says not found
    assert (await alex.get("/me")).json()["avatar_url"] == "https://img.clerk.com/2"


JPEG = picture("JPEG")
REFUSED: dict[str, Callable[[], bytes]] = {
    "a bomb": lambda: bomb(50_000, 50_000),
    "more pixels than allowed": lambda: bomb(8_000, 5_001),
    "fewer pixels than the header says": lambda: bomb(6_000, 6_000),
    "a truncated JPEG": lambda: JPEG[: len(JPEG) // 2],
    "a truncated PNG": lambda: picture("PNG")[:-20],
    "a truncated WebP": lambda: picture("WEBP")[:-20],
    "a truncated GIF": lambda: picture("GIF")[:-20],
    "a JPEG that is also a zip": lambda: JPEG + SOME_ZIP,
    "a PNG that is also a zip": lambda: picture("PNG") + SOME_ZIP,
    "a WebP that is also a zip": lambda: picture("WEBP") + SOME_ZIP,
    "a GIF that is also a script": lambda: picture("GIF") + b"<script>alert(1)</script>",
    "a TIFF": lambda: picture("TIFF"),
    "a vector drawing": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_plain_picture_is_refused_at_once(alex: httpx.AsyncClient, case: str) -> None:
    started = time.monotonic()
    answer = await alex.put("/me/avatar", content=REFUSED[case](), headers={"content-type": "image/jpeg"})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unusable-image")
    assert answer.json()["detail"]
    assert time.monotonic() - started < 5
    assert (await alex.get("/me")).json()["avatar_url"] is None


async def test_more_than_five_megabytes_are_not_read(alex: httpx.AsyncClient) -> None:
    answer = await alex.put("/me/avatar", content=JPEG + bytes(5_000_000))

    assert answer.status_code == 413
