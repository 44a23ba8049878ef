"""Each problem type is a page for people and JSON for programs; neither loads anything from elsewhere."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from rte_common.problem_types import PROBLEM_TYPES

from .running import PROBLEM, Api

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        yield http


@pytest.mark.parametrize("slug", PROBLEM_TYPES)
async def test_each_type_has_a_page_and_the_same_as_json(http: httpx.AsyncClient, slug: str) -> None:
    kind = PROBLEM_TYPES[slug]
    page = await http.get(kind.uri, headers={"accept": BROWSER})
    body = (await http.get(kind.uri, headers={"accept": "application/json"})).json()

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<code>{kind.uri}</code> · status {kind.status}" in page.text
    assert "What to do" in page.text
    assert (body["type"], body["status"], body["title"]) == (kind.uri, kind.status, kind.title)
    assert (body["when"], body["what_to_do"], body["example"]) == (kind.when, kind.remedy, kind.example())


async def test_the_index_leads_to_every_type(http: httpx.AsyncClient) -> None:
    page = await http.get("/problems", headers={"accept": BROWSER})
    listed = (await http.get("/problems")).json()["items"]

    assert set(re.findall(r'href="(/problems/[a-z-]+)"', page.text)) == {kind.uri for kind in PROBLEM_TYPES.values()}
    assert [item["type"] for item in listed] == [kind.uri for kind in PROBLEM_TYPES.values()]


async def test_the_type_of_an_answer_leads_to_its_page(http: httpx.AsyncClient) -> None:
    problem = (await http.get("/api/v1/me")).json()

    assert (await http.get(problem["type"])).json()["title"] == problem["title"]


@pytest.mark.parametrize("path", ["/problems", "/problems/no-token", "/problems/nothing"])
async def test_a_page_has_no_scripts_and_loads_nothing(http: httpx.AsyncClient, path: str) -> None:
    page = await http.get(path, headers={"accept": BROWSER})

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "://" not in page.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("*/*", "application/json"),
        ("application/problem+json", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
        ("text/html;q=x", "application/json"),
        ("", "application/json"),
    ],
)
async def test_who_prefers_a_page_gets_one(http: httpx.AsyncClient, accept: str, kind: str) -> None:
    answer = await http.get("/problems/no-token", headers={"accept": accept})

    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["vary"].lower().startswith("accept")


async def test_an_unknown_type_is_not_found_in_the_form_that_was_asked_for(http: httpx.AsyncClient) -> None:
    page = await http.get("/problems/nothing", headers={"accept": BROWSER})
    problem = await http.get("/problems/nothing")

    assert (page.status_code, problem.status_code) == (404, 404)
    assert 'href="/problems"' in page.text
    assert problem.headers["content-type"] == PROBLEM
