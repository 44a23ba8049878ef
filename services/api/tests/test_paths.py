"""A path is found with a slash at its end, by HEAD, and from pages of other origins; near misses are told."""

import httpx
import pytest

from .running import Api, Team

ORIGIN = "http://localhost:8080"


async def test_a_slash_at_the_end_changes_nothing_for_any_method(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    made = await alex.post("/expectations/", json={"title": "with a slash"})
    path = f"/expectations/{made.json()['id']}"
    answers = [
        await alex.get("/expectations/?status=active"),
        await alex.get(f"{path}//"),
        await alex.patch(f"{path}/", json={"title": "changed"}),
        await alex.put(f"{path}/", json={"title": "replaced"}),
        await alex.post(f"{path}/complete/"),
        await alex.get("/me/"),
        await alex.get("/team/members/"),
    ]
    deleted = await alex.delete(f"{path}/")

    assert made.status_code == 201
    assert made.headers["location"] == f"/api/v1{path}"
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert deleted.json()["type"] == "/problems/expectation-is-history"


async def test_head_answers_like_get_without_the_body(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    made = await alex.post("/expectations", json={"title": "x"})
    for path in ("/expectations", made.headers["location"].removeprefix("/api/v1"), "/me"):
        got, head = await alex.get(path), await alex.head(path)

        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers.get("etag") == got.headers.get("etag")
        assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/problems", "/problems/no-token", "/health"])
async def test_head_and_slash_work_beside_the_calls_too(api: Api, path: str) -> None:
    async with httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        got, head, slash = await http.get(path), await http.head(path), await http.get(f"{path}/")

    assert (got.status_code, head.status_code, slash.status_code) == (200, 200, 200)
    assert (head.content, slash.content) == (b"", got.content)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/expectatons", "did you mean /api/v1/expectations? "),
        ("/teams", "did you mean /api/v1/team? "),
        ("/nothing", ""),
    ],
)
async def test_an_unknown_path_is_told_what_is_near(api: Api, team: Team, path: str, meant: str) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.get(path)

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert answer.json()["detail"] == f"There is nothing at this path: {meant}See /api/docs"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/api/v1/expectations", "GET, HEAD, POST"), ("/api/docs", "GET, HEAD"), ("/problems", "GET, HEAD")],
)
async def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(
    api: Api, team: Team, path: str, allowed: str
) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.delete(f"{api.url}{path}")

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["detail"] == f"Use one of {allowed}"


async def test_pages_may_send_what_tracing_and_clients_add_and_read_what_they_need(api: Api, team: Team) -> None:
    wanted = "authorization,content-type,if-match,idempotency-key,traceparent,baggage,x-client-info,apikey"
    alex = await api.member(team, "alex")
    preflight = await alex.options(
        "/expectations",
        headers={
            "origin": ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": wanted,
        },
    )
    answer = await alex.get("/me", headers={"origin": ORIGIN})

    assert preflight.status_code == 200
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"etag", "location", "idempotency-replayed", "www-authenticate", "allow", "retry-after"} <= exposed
    assert {"date", "ratelimit", "ratelimit-policy", "x-request-id"} <= exposed & {
        name.lower() for name in answer.headers
    }
