"""The Storage stand-in through the official client, and what it promises beyond the recorded exchanges."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError

from rte_devstack.serving import serving
from rte_devstack.storage import Settings, create_app

SERVICE_KEY = "sb_secret_test"
AS_SERVICE = {"apikey": SERVICE_KEY, "authorization": f"Bearer {SERVICE_KEY}"}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def settings(folder: Path) -> Settings:
    return Settings(state_dir=folder, supabase_service_key=SERVICE_KEY, supabase_anon_key="sb_publishable_test")


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest_asyncio.fixture(loop_scope="session")
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serving(create_app(settings(tmp_path / "state"))) as address:
        yield f"{address}/storage/v1/"


@pytest_asyncio.fixture(loop_scope="session")
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, headers=AS_SERVICE) as client:
        yield client


@pytest.fixture
def client(url: str, http: httpx.AsyncClient) -> AsyncStorageClient:
    return AsyncStorageClient(url, AS_SERVICE, http_client=http)


async def test_official_client_uploads_reads_signs_lists_moves_and_removes(client: AsyncStorageClient) -> None:
    exports = client.from_("exports")
    await exports.upload("team/alex/w47.csv", b"a,b\n", {"content-type": "text/csv", "metadata": {"week": 47}})

    assert await exports.download("team/alex/w47.csv") == b"a,b\n"
    assert (await exports.info("team/alex/w47.csv"))["metadata"] == {"week": 47}
    assert await exports.exists("team/alex/w47.csv")
    assert not await exports.exists("team/alex/none.csv")
    assert [row["name"] for row in await exports.list("team")] == ["alex"]

    await exports.update("team/alex/w47.csv", b"c,d\n", {"content-type": "text/csv"})
    await exports.copy("team/alex/w47.csv", "team/alex/copy.csv")
    await exports.move("team/alex/copy.csv", "team/alex/moved.csv")
    page = await exports.list_v2({"prefix": "team/", "limit": 10})
    assert [found.name for found in page.objects] == ["team/alex/moved.csv", "team/alex/w47.csv"]
    removed = await exports.remove(["team/alex/moved.csv", "team/alex/w47.csv"])
    assert len(removed) == 2
    assert await exports.list("team") == []


async def test_signed_urls_of_the_official_client_open_without_a_key(client: AsyncStorageClient) -> None:
    exports = client.from_("exports")
    await exports.upload("team/a b.csv", b"a,b\n", {"content-type": "text/csv"})
    signed = await exports.create_signed_url("team/a b.csv", 60, {"download": "report.csv"})
    upload = await exports.create_signed_upload_url("team/new.csv")
    await exports.upload_to_signed_url("team/new.csv", upload["token"], b"new", {"content-type": "text/csv"})

    async with httpx.AsyncClient() as stranger:
        answer = await stranger.get(str(signed["signedURL"]))

    assert answer.content == b"a,b\n"
    assert answer.headers["content-disposition"].startswith("attachment; filename=report.csv")
    assert await exports.download("team/new.csv") == b"new"


async def test_a_token_for_download_does_not_upload_nor_open_another_object(
    client: AsyncStorageClient, http: httpx.AsyncClient
) -> None:
    exports = client.from_("exports")
    await exports.upload("team/one.csv", b"1", {"content-type": "text/csv"})
    signed = str((await exports.create_signed_url("team/one.csv", 60))["signedURL"])
    token = httpx.URL(signed).params["token"]

    answers = [
        await http.put("object/upload/sign/exports/team/one.csv", params={"token": token}, content=b"2"),
        await http.get("object/sign/exports/team/two.csv", params={"token": token}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["InvalidSignature", "InvalidSignature"]
    assert await exports.download("team/one.csv") == b"1"


@pytest.mark.parametrize("form", ["raw", "multipart"])
async def test_an_upload_over_the_limit_is_refused_while_it_arrives_and_leaves_nothing(
    http: httpx.AsyncClient, tmp_path: Path, form: str
) -> None:
    big = b"x" * 3_000_000

    if form == "raw":
        answer = await http.post("object/avatars/u/a.png", content=big, headers={"content-type": "image/png"})
    else:
        answer = await http.post("object/avatars/u/a.png", files={"file": ("a.png", big, "image/png")})

    assert answer.json()["code"] == "EntityTooLarge"
    assert list((tmp_path / "state" / "contents").iterdir()) == []


async def test_of_eight_uploads_of_one_key_at_once_one_wins_and_seven_are_duplicates(http: httpx.AsyncClient) -> None:
    async def upload(number: int) -> str:
        answer = await http.post("object/exports/k.csv", content=bytes([number]) * 200_000)
        return str(answer.json().get("code", "kept"))

    outcomes = await asyncio.gather(*map(upload, range(8)))

    assert sorted(outcomes) == ["KeyAlreadyExists"] * 7 + ["kept"]
    content = (await http.get("object/exports/k.csv")).content
    assert content == content[:1] * 200_000


@pytest.mark.parametrize("key", ["../../escape", "a/../../escape", "..", "a//b", "./a", "%2e%2e%2fescape"])
async def test_no_key_leaves_the_folder(url: str, tmp_path: Path, key: str) -> None:
    address = httpx.URL(url)
    before = files_below(tmp_path)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    # By hand: clients would tidy up the path before they send it.
    request = f"POST /storage/v1/object/exports/{key} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SERVICE_KEY}\r\n"
    writer.write(f"{request}content-length: 1\r\nconnection: close\r\n\r\nx".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert b"InvalidKey" in answer
    assert files_below(tmp_path) == before


async def test_everything_survives_a_restart_and_half_uploads_are_swept(tmp_path: Path) -> None:
    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(headers=AS_SERVICE) as http:
        await http.post(f"{url}/storage/v1/object/exports/a/b.csv", content=b"kept")
    (tmp_path / "contents" / "killed-while-uploading").write_bytes(b"half")

    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(headers=AS_SERVICE) as http:
        answer = await http.get(f"{url}/storage/v1/object/exports/a/b.csv")

    assert answer.content == b"kept"
    assert len(list((tmp_path / "contents").iterdir())) == 1


async def test_refusals_reach_the_official_client_with_their_status(client: AsyncStorageClient) -> None:
    with pytest.raises(StorageApiError) as refusal:
        await client.from_("exports").download("none.csv")

    assert (refusal.value.status, refusal.value.code) == ("404", "not_found")


async def test_the_first_buckets_are_there(client: AsyncStorageClient) -> None:
    assert {bucket.id: bucket.public for bucket in await client.list_buckets()} == {"avatars": True, "exports": False}
