"""A member's picture: decided by content, made anew without anything but its pixels, and bombs refused."""

import asyncio
import io
import struct
import threading
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import Request
from PIL import Image
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from rte_api.avatars import images
from rte_devstack import storage
from rte_devstack.serving import serving

from .conftest import SERVICE_KEY
from .running import Api, StartApi, Team

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


Listing = Callable[[str], Awaitable[set[str]]]


@pytest.fixture
async def avatars_of(storage_url: str) -> AsyncIterator[Listing]:
    """Call it for the versions that a member has in the bucket."""
    headers = {"apikey": SERVICE_KEY, "authorization": f"Bearer {SERVICE_KEY}"}
    async with httpx.AsyncClient(base_url=f"{storage_url}/storage/v1", headers=headers, trust_env=False) as bucket:

        async def listed(member: str) -> set[str]:
            answer = await bucket.post("/object/list/avatars", json={"prefix": member})
            return {row["name"] for row in answer.raise_for_status().json()}

        yield listed


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


async def test_each_upload_has_a_path_of_its_own_and_only_the_last_one_stays(
    alex: httpx.AsyncClient, avatars_of: Listing
) -> None:
    colors = ("red", "green", "red", "green")
    before = await avatars_of("user_alex")
    answers = await asyncio.gather(*(alex.put("/me/avatar", content=picture("PNG", color)) for color in colors))
    url = (await alex.get("/me")).json()["avatar_url"]
    after = await avatars_of("user_alex")

    assert len({answer.json()["avatar_url"] for answer in answers}) == 4, "no path comes back"
    assert after - before == {url.split("/")[-2]}
    assert (await shown(url)).size == (256, 256)


JPEG = picture("JPEG")
REFUSED: dict[str, Callable[[], bytes]] = {
    "a bomb": lambda: bomb(50_000, 50_000),
    "more pixels than allowed": lambda: bomb(8_000, 5_001),
    "fewer pixels than the header says": lambda: bomb(6_000, 6_000),
    "a truncated JPEG": lambda: JPEG[: len(JPEG) // 2],
    "a truncated PNG": lambda: picture("PNG")[: len(picture("PNG")) // 2],
    "a truncated WebP": lambda: picture("WEBP")[:-20],
    "a truncated GIF": lambda: picture("GIF")[:-20],
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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_of_a_picture_that_is_also_an_archive_only_the_pixels_are_kept(
    alex: httpx.AsyncClient, kind: str
) -> None:
    answer = await alex.put("/me/avatar", content=picture(kind) + SOME_ZIP)
    async with httpx.AsyncClient(trust_env=False) as http:
        stored = (await http.get(answer.json()["avatar_url"])).raise_for_status().content

    assert answer.status_code == 200
    assert stored[:4] + stored[8:12] == b"RIFFWEBP"
    assert int.from_bytes(stored[4:8], "little") + 8 == len(stored)
    assert b"PK" not in stored


async def test_more_than_five_megabytes_are_not_read(alex: httpx.AsyncClient) -> None:
    answer = await alex.put("/me/avatar", content=JPEG + bytes(5_000_000))

    assert answer.status_code == 413


async def test_a_picture_whose_address_was_not_kept_leaves_no_files(
    start_api: StartApi, api: Api, team: Team, avatars_of: Listing
) -> None:
    impatient = await start_api(database_timeout_seconds=0.5)
    alex = await impatient.member(team, "alex")
    unknown = await api.member(team, "whom_clerk_did_not_tell_of")
    before = await avatars_of("user_alex")
    async with impatient.locked("users"):
        away = await alex.put("/me/avatar", content=JPEG)
    refused = await unknown.put("/me/avatar", content=JPEG)

    assert (away.status_code, away.json()["type"]) == (503, "/problems/database-away")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/member-not-yet-known")
    assert await avatars_of("user_alex") == before
    assert await avatars_of("user_whom_clerk_did_not_tell_of") == set()


async def test_a_change_is_done_also_when_the_old_picture_cannot_be_removed(
    start_api: StartApi, team: Team, tmp_path: Path
) -> None:
    stand_in = storage.Settings(state_dir=tmp_path, supabase_service_key=SERVICE_KEY, supabase_anon_key="anon")
    storage_app = storage.create_app(stand_in)

    @storage_app.middleware("http")
    async def keep_everything(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return Response(status_code=503) if request.method == "DELETE" else await call_next(request)

    async with serving(storage_app) as url:
        alex = await (await start_api(supabase_url=url)).member(team, "alex")
        first = await alex.put("/me/avatar", content=JPEG)
        second = await alex.put("/me/avatar", content=JPEG)
        await shown(second.json()["avatar_url"])
        removed = await alex.delete("/me/avatar")

    assert (first.status_code, second.status_code, removed.status_code) == (200, 200, 204)


async def test_one_picture_is_decoded_at_a_time_also_after_a_request_was_given_up(
    start_api: StartApi, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    squares, entered, others = images.squares, threading.Event(), threading.Event()
    overlapped: list[bool] = []

    def slow(data: bytes) -> images.Squares:
        if entered.is_set():
            others.set()
        else:
            entered.set()
            overlapped.append(others.wait(2))
        return squares(data)

    monkeypatch.setattr(images, "squares", slow)
    alex = await (await start_api(request_timeout_seconds=0.5)).member(team, "alex")
    given_up = await alex.put("/me/avatar", content=JPEG)
    again = [await alex.put("/me/avatar", content=JPEG)]
    while again[-1].status_code == 503:
        again.append(await alex.put("/me/avatar", content=JPEG))

    assert (given_up.status_code, given_up.json()["type"]) == (503, "/problems/too-slow")
    assert again[-1].status_code == 200
    assert overlapped == [False]
