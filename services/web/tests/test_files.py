"""What a browser gets: which file, compressed how, kept how long."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

ASSET = "/assets/index-BxKq1f9a.js"
Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.mark.parametrize(
    ("path", "kept", "media_type"),
    [
        (ASSET, "public, max-age=31536000, immutable", 'text/javascript; charset="utf-8"'),
        ("/", "no-cache", 'text/html; charset="utf-8"'),
        ("/history", "no-cache", 'text/html; charset="utf-8"'),
        ("/favicon.svg", "public, max-age=3600", "image/svg+xml"),
        ("/manifest.webmanifest", "public, max-age=3600", "application/manifest+json"),
        ("/icons/192.png", "public, max-age=3600", "image/png"),
    ],
)
async def test_a_file_is_kept_as_long_as_it_stays_what_it_is(
    http: httpx.AsyncClient, path: str, kept: str, media_type: str
) -> None:
    answer = await http.get(path)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, kept)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["etag"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", ASSET, "/favicon.svg"])
async def test_who_has_it_already_gets_it_only_once(http: httpx.AsyncClient, path: str) -> None:
    first = await http.get(path)
    again = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
    other = await http.get(path, headers={"If-None-Match": '"another"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert other.status_code == 200


async def test_replicas_agree_on_etags_and_a_changed_page_has_another(serve: Serve) -> None:
    async with serve() as one:
        first = (await one.get("/")).headers["etag"]
    async with serve() as replica:
        assert (await replica.get("/")).headers["etag"] == first
    async with serve(CLERK_STAND_IN_URL="http://localhost:8085") as changed:
        assert (await changed.get("/")).headers["etag"] != first


@pytest.mark.parametrize("path", ["/", "/wall", ASSET])
@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("identity", None),
        ("", None),
        ("broken", None),
    ],
)
async def test_the_smallest_encoding_is_chosen_that_is_accepted(
    http: httpx.AsyncClient, path: str, accepted: str, chosen: str | None
) -> None:
    plain = await http.get(path, headers={"Accept-Encoding": "identity"})

    answer = await http.get(path, headers={"Accept-Encoding": accepted})

    assert answer.headers.get("content-encoding") == chosen
    assert answer.content == plain.content
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_head_is_a_get_without_its_body(http: httpx.AsyncClient) -> None:
    for path in ("/", "/wall", ASSET):
        head, get = await http.head(path), await http.get(path)
        assert (head.status_code, head.content) == (200, b"")
        same = ("etag", "cache-control", "content-type", "content-length")
        assert [head.headers[name] for name in same] == [get.headers[name] for name in same]


async def test_a_part_of_a_file_can_be_asked_for(http: httpx.AsyncClient, script: bytes) -> None:
    answer = await http.get(ASSET, headers={"Range": "bytes=0-9", "Accept-Encoding": "identity"})

    assert (answer.status_code, answer.content) == (206, script[:10])


@pytest.mark.parametrize("path", ["/history", "/wall", "/members/user_2abc", "/settings/", "/api", "/%C3%BC"])
async def test_every_path_of_the_clients_own_is_the_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert (answer.status_code, answer.content) == (200, (await http.get("/")).content)
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/assets/index-gone.js", "/assets/gone", "/assets/", "/gone.png", "/robots.txt", "/.built-from", "/assets/.env"],
)
async def test_a_file_that_is_not_there_is_never_the_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"
    assert answer.headers["cache-control"] == "no-store"


async def test_there_is_one_address_of_the_page(http: httpx.AsyncClient) -> None:
    answer = await http.get("/index.html")

    assert (answer.status_code, answer.headers["location"]) == (302, "./")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/history", ASSET])
async def test_nothing_can_be_changed(http: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await http.request(method, path)).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd.txt",
        "/assets/index-BxKq1f9a.js%00.txt",
    ],
)
async def test_nothing_beside_the_build_can_be_had(http: httpx.AsyncClient, path: str) -> None:
    # A socket, because httpx tidies paths up before it sends them.
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"beside" not in answer


async def test_a_new_build_breaks_no_page_that_is_open(http: httpx.AsyncClient, built: Path, script: bytes) -> None:
    page = (await http.get("/")).content
    shutil.rmtree(built)

    assert (await http.get("/wall")).content == page
    assert (await http.get(ASSET, headers={"Accept-Encoding": "identity"})).content == script
