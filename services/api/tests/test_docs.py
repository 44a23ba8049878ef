"""The reference at /api/docs needs no other host, and is kept by browsers as long as it stays the same."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from .running import Api

DIRECTIVE = re.compile(r"[a-z]+-[a-z]+ [^;]+")


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        yield http


async def test_everything_that_the_page_loads_is_served_here(http: httpx.AsyncClient) -> None:
    page = await http.get("/api/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    answers = [await http.get(path) for path in loaded]
    types = {answer.headers["content-type"].partition(";")[0] for answer in answers}

    assert len(loaded) == 5
    assert all(path.startswith("/api/") for path in loaded)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert types == {"image/png", "text/css", "text/javascript", "application/json"}


async def test_the_policy_allows_no_other_host_and_no_script_in_the_page(http: httpx.AsyncClient) -> None:
    page = await http.get("/api/docs")
    policy = dict(line.split(" ", 1) for line in DIRECTIVE.findall(page.headers["content-security-policy"]))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "<script>" not in page.text


async def test_files_of_a_version_are_kept_and_the_page_is_asked_for(http: httpx.AsyncClient) -> None:
    page = await http.get("/api/docs")
    script = next(path for path in re.findall(r'src="([^"]+)"', page.text) if "bundle" in path)

    assert page.headers["cache-control"] == "no-cache"
    assert (await http.get(script)).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert re.search(r"/assets/\d+\.\d+\.\d+/", script)


@pytest.mark.parametrize("path", ["/api", "/api/"])
async def test_the_front_of_the_api_leads_to_the_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert (answer.status_code, answer.headers["location"]) == (307, "/api/docs")


async def test_no_other_file_is_served(http: httpx.AsyncClient) -> None:
    page = await http.get("/api/docs")
    folder = next(path for path in re.findall(r'src="([^"]+)"', page.text) if "bundle" in path).rpartition("/")[0]

    for name in ("__init__.py", "%2e%2e%2fmain.py", "swagger-ui.css.map"):
        answer = await http.get(f"{folder}/{name}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
