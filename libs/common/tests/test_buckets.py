"""The buckets of a project, made and put right by `python -m rte_common.buckets`, on the Storage stand-in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError

from rte_common import buckets, storage
from rte_common.buckets import BUCKETS, BucketsNotReady
from rte_common.storage import StorageSettings
from rte_devstack.serving import serving
from rte_devstack.storage import Settings as StandIn
from rte_devstack.storage import create_app

KEYS = {"supabase_service_key": "service", "supabase_anon_key": "anon"}
AS_IT_SHOULD_BE = ["avatars: is as it should be", "exports: is as it should be"]


def settings_for(url: str, key: str = "service") -> StorageSettings:
    return StorageSettings.model_validate({"supabase_url": url, "supabase_service_key": key})


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[str]:
    """A Supabase project without any bucket."""
    async with serving(create_app(StandIn.model_validate({"state_dir": tmp_path} | KEYS))) as url:
        async with storage.connect(settings_for(url)) as client:
            for bucket in await client.list_buckets():
                await client.delete_bucket(bucket.id)
        yield url


@pytest.fixture
async def client(project: str) -> AsyncIterator[AsyncStorageClient]:
    async with storage.connect(settings_for(project)) as opened:
        yield opened


async def settings_of(client: AsyncStorageClient) -> dict[str, Any]:
    return {
        found.id: found.model_dump(include={"public", "file_size_limit", "allowed_mime_types"})
        for found in await client.list_buckets()
    }


async def test_both_buckets_are_made_once(project: str, client: AsyncStorageClient) -> None:
    first = await buckets.ensure(settings_for(project))
    second = await buckets.ensure(settings_for(project))

    assert first == ["avatars: created, public", "exports: created, private"]
    assert second == AS_IT_SHOULD_BE
    assert await settings_of(client) == {bucket.id: bucket.options for bucket in BUCKETS}
    assert {name: found["public"] for name, found in (await settings_of(client)).items()} == {
        "avatars": True,
        "exports": False,
    }


async def test_two_at_once_both_succeed(project: str, client: AsyncStorageClient) -> None:
    await asyncio.gather(*(buckets.ensure(settings_for(project)) for _ in range(4)))

    assert await settings_of(client) == {bucket.id: bucket.options for bucket in BUCKETS}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"public": True}, "exports: changed public True -> False"),
        ({"file_size_limit": 10}, "exports: changed file_size_limit 10 -> 52428800"),
        (
            {"allowed_mime_types": ["image/png"]},
            "exports: changed allowed_mime_types ['image/png'] -> ['text/csv', 'application/json']",
        ),
    ],
)
async def test_a_wrong_setting_is_put_right_and_the_objects_stay(
    project: str, client: AsyncStorageClient, wrong: dict[str, Any], said: str
) -> None:
    await buckets.ensure(settings_for(project))
    await client.from_("exports").upload("team/one.csv", b"a,b\n", {"content-type": "text/csv"})
    right = (await settings_of(client))["exports"]
    await client.update_bucket("exports", right | wrong)

    assert await buckets.ensure(settings_for(project)) == ["avatars: is as it should be", said]

    assert (await settings_of(client))["exports"] == right
    assert await client.from_("exports").download("team/one.csv") == b"a,b\n"


@pytest.mark.parametrize(
    ("bucket", "media_type", "size", "code"),
    [
        ("avatars", "text/html", 10, "invalid_mime_type"),
        ("avatars", "image/webp", (1 << 20) + 1, "Payload too large"),
        ("exports", "text/html", 10, "invalid_mime_type"),
    ],
)
async def test_a_bucket_refuses_what_the_services_never_write(
    project: str, client: AsyncStorageClient, bucket: str, media_type: str, size: int, code: str
) -> None:
    await buckets.ensure(settings_for(project))

    with pytest.raises(StorageApiError) as refusal:
        await client.from_(bucket).upload("u/x", b"x" * size, {"content-type": media_type})

    assert refusal.value.code == code


@pytest.mark.parametrize("key", ["anon", "no-key-of-this-project"])
async def test_a_key_that_may_not_is_named(project: str, key: str) -> None:
    with pytest.raises(BucketsNotReady, match=r"refuses SUPABASE_SERVICE_KEY .*secret key"):
        await buckets.ensure(settings_for(project, key))


async def test_the_refusal_of_the_gateway_before_a_hosted_project_is_understood() -> None:
    """Hosted, a key that is none never reaches Storage: the gateway answers 401 in its own shape."""
    gateway = FastAPI()
    gateway.add_api_route("/{path:path}", lambda: JSONResponse({"message": "Invalid API key"}, 401), methods=["GET"])
    async with serving(gateway) as url:
        with pytest.raises(BucketsNotReady, match="refuses SUPABASE_SERVICE_KEY"):
            await buckets.ensure(settings_for(url))


@pytest.mark.parametrize("status", [200, 404])
async def test_an_address_that_is_no_project_is_named(status: int) -> None:
    page = FastAPI()
    page.add_api_route("/{path:path}", lambda: HTMLResponse("<h1>Dashboard</h1>", status), methods=["GET"])
    async with serving(page) as url:
        with pytest.raises(BucketsNotReady, match=r"no Supabase Storage answers at .*SUPABASE_URL is the project's"):
            await buckets.ensure(settings_for(url))


async def run(**variables: str) -> tuple[int | None, str, str]:
    """Run the command; its exit code, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")}
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rte_common.buckets"),
        env=environment | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await command.communicate()
    return command.returncode, out.decode(), err.decode()


async def test_the_command_says_a_line_for_each_bucket(project: str) -> None:
    ended = await run(SUPABASE_URL=project, SUPABASE_SERVICE_KEY="service")

    assert ended == (0, "avatars: created, public\nexports: created, private\n", "")


async def test_the_command_ends_with_one_line_when_nothing_answers(reserve_port: Callable[[], int]) -> None:
    code, out, err = await run(SUPABASE_URL=f"http://127.0.0.1:{reserve_port()}", SUPABASE_SERVICE_KEY="service")

    assert (code, out) == (1, "")
    assert err.startswith("error: http://127.0.0.1:")
    assert err.endswith("check SUPABASE_URL\n")
    assert err.count("\n") == 1


async def test_the_command_names_the_variables_that_are_missing() -> None:
    assert await run() == (
        2,
        "",
        "SUPABASE_URL is not set: see .env.example; SUPABASE_SERVICE_KEY is not set: see .env.example\n",
    )
