"""The built web client as browsers get it: through Traefik, from the stack's own service."""

import gzip
import re
from collections.abc import AsyncIterator

import brotli
import httpx
import pytest

from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack

BUILT = REPOSITORY / "web" / "dist"
ASSETS = sorted(path.name for path in BUILT.glob("assets/*") if path.suffix not in (".br", ".gz"))
DECODED = {"br": brotli.decompress, "gzip": gzip.decompress}

pytestmark = pytest.mark.skipif(not (BUILT / "index.html").exists(), reason="needs web/dist, which `make test` builds")


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url("traefik"), trust_env=False) as client:
        yield client


async def test_the_page_signs_in_at_this_stacks_stand_in(stack: Stack, http: httpx.AsyncClient) -> None:
    page = await http.get("/history", headers={"Accept-Encoding": "br"})

    stand_in = f"http://localhost:{stack.ports['clerk']}"
    assert f'"stand_in_url": "{stand_in}"' in page.text
    assert page.headers["content-encoding"] == "br"
    assert page.headers["cache-control"] == "no-cache"
    assert f"connect-src 'self' {stand_in} {stack.url('storage')};" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    again = await http.get("/history", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ASSETS)
async def test_a_script_is_the_same_however_it_is_compressed(http: httpx.AsyncClient, name: str) -> None:
    content = (BUILT / "assets" / name).read_bytes()
    for accepted, decoded in DECODED.items():
        async with http.stream("GET", f"/assets/{name}", headers={"Accept-Encoding": accepted}) as answer:
            received = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        if answer.headers.get("content-encoding") == accepted:
            received = decoded(received)
        else:
            assert len(content) < 1024 or not re.search(r"\.(js|css|svg)$", name)
        assert received == content


async def test_no_page_takes_the_place_of_the_others_paths(http: httpx.AsyncClient) -> None:
    for path in ("/ready", "/health", "/metrics", "/webhooks", "/webhooks/other", "/assets/gone.js"):
        assert (await http.get(path)).status_code == 404
    policy = (await http.get("/api/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
