"""The stand-in answers each recorded exchange as the real Storage server did."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio

from rte_devstack.serving import serving
from rte_devstack.storage import Settings, create_app

RECORDED = json.loads(Path(__file__).with_name("storage-observed.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = RECORDED["cases"]

SERVICE_KEY = "sb_secret_test"
JWT_SECRET = "a-secret-of-the-storage-tests-only"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
SAME_HEADERS = ("content-type", "cache-control", "etag", "content-disposition", "accept-ranges", "x-robots-tag")
SCRUBBED = {
    "<UUID>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<TS>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "<JWT>": r"[\w-]+\.[\w-]+\.[\w-]+",
}


@dataclass
class Replay:
    """One server for all cases, and the tokens it gave so far, by path."""

    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replay(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replay]:
    settings = Settings(
        state_dir=tmp_path_factory.mktemp("storage"),
        supabase_service_key=SERVICE_KEY,
        supabase_anon_key="sb_publishable_test",
        supabase_jwt_secret=JWT_SECRET,
    )
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=f"{url}/storage/v1") as http:
        yield Replay(http)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
async def test_answers_as_the_real_server_did(replay: Replay, case: dict[str, Any]) -> None:
    expected = case["response"]

    answer = await send(replay, case)

    assert answer.status_code == expected["status"], answer.text
    same_body(answer, expected)
    for name in SAME_HEADERS:
        assert answer.headers.get(name) == expected["headers"].get(name), name
    for name in ("last-modified", "expires"):
        assert (name in answer.headers) == (name in expected["headers"]), name
    if "expires" in answer.headers:
        assert parsedate_to_datetime(answer.headers["expires"]) > parsedate_to_datetime(answer.headers["date"])
    if answer.is_success:
        remember_token(replay, case["request"]["path"], answer)


async def send(replay: Replay, case: dict[str, Any]) -> httpx.Response:
    request = case["request"]
    path = request["path"].replace("<JWT>", replay.tokens.get(signed_path(request["path"]), ""))
    headers = dict(request["headers"])
    if token := bearer(case):
        headers["authorization"] = f"Bearer {token}"
    body: dict[str, Any] = {}
    if "json" in request:
        body["json"] = request["json"]
    if "multipart" in request:
        name, mime_type = request["multipart"]["file"]
        body = {"files": {"file": (name, PNG, mime_type)}, "data": request["multipart"]["fields"]}
    if "raw_body_bytes" in request:
        body["content"] = raw_body(request["raw_body_bytes"])
    if case["case"] == "get signed expired":
        await until_expired(replay.http, path)
    return await replay.http.request(request["method"], path, headers=headers, **body)


async def until_expired(http: httpx.AsyncClient, path: str) -> None:
    """The URL was signed for one second: ask until it has passed."""
    async with asyncio.timeout(10):
        while (await http.get(path)).is_success:
            pass


def bearer(case: dict[str, Any]) -> str | None:
    who, name = case["request"]["auth"], case["case"]
    if who == "none":
        return None
    if who == "service_role":
        return SERVICE_KEY
    if "malformed" in name:
        return "not-a-token"
    return user_token("user_123" if who.startswith("clerk") else "user_456", -60 if "expired" in name else 60)


def user_token(user_id: str, lifetime: int) -> str:
    """Make a user's token: HS256 as legacy ones are. The recorded ones were RS256; the stand-in fetches no keys."""
    claims = {"sub": user_id, "role": "authenticated", "exp": int(time.time()) + lifetime}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def raw_body(size: int) -> bytes:
    known = {len(PNG): PNG, 8: b"a,b\n1,2\n"}
    return known.get(size, b"x" * size)


def signed_path(path: str) -> str:
    """Name the token's slot: downloads and uploads each keep the last one made, whatever object it was made for."""
    return "upload" if path.startswith("/object/upload/sign/") else "download"


def remember_token(replay: Replay, path: str, answer: httpx.Response) -> None:
    found = re.search(r"\?token=([\w.-]+)", answer.text)
    if found:
        replay.tokens[signed_path(path)] = found[1]


def same_body(answer: httpx.Response, expected: dict[str, Any]) -> None:
    if isinstance(expected["body"], str):
        kind = expected["headers"].get("content-type", "")
        text = answer.content.decode("utf-8" if kind.startswith("text/") else "latin-1")
        # The recording cut binary bodies short; their whole length is in the header.
        assert text.startswith(expected["body"])
        assert answer.headers["content-length"] == expected["headers"]["content-length"]
    else:
        same_shape(answer.json(), expected["body"])


def same_shape(found: Any, expected: Any) -> None:
    """Compare values, where scrubbed ones stand for any of their kind."""
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            same_shape(found[name], value)
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same_shape(one, other)
    elif isinstance(expected, str):
        assert re.fullmatch(pattern_of(expected), found), (found, expected)
    else:
        assert found == expected


def pattern_of(text: str) -> str:
    pattern = re.escape(text)
    for mark, kind in SCRUBBED.items():
        pattern = pattern.replace(re.escape(mark), kind)
    return pattern
