"""Who may do what: one table for every call, as owner, other member, admin, member of another team, and nobody."""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from rte_devstack.testing import Database

from .running import Api, Team, in_hours

OWNER, OTHER, ADMIN, STRANGER, NOBODY = "owner", "other member", "admin", "other team", "no token"
CALLERS = (OWNER, OTHER, ADMIN, STRANGER, NOBODY)

TITLE = {"title": "changed"}
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
MATRIX: list[tuple[str, str, dict[str, Any] | bytes | None, tuple[int, int, int, int, int]]] = [
    # method, path, body, and the status for each of CALLERS; {id} is the owner's expectation
    ("GET", "/expectations", None, (200, 200, 200, 200, 401)),
    ("POST", "/expectations", TITLE, (409, 201, 201, 201, 401)),
    ("GET", "/expectations/{id}", None, (200, 200, 200, 404, 401)),
    ("PATCH", "/expectations/{id}", TITLE, (200, 403, 200, 404, 401)),
    ("PUT", "/expectations/{id}", TITLE, (200, 403, 200, 404, 401)),
    ("DELETE", "/expectations/{id}", None, (204, 403, 204, 404, 401)),
    ("POST", "/expectations/{id}/complete", None, (200, 403, 200, 404, 401)),
    ("POST", "/expectations/{id}/reopen", None, (200, 403, 403, 404, 401)),
    ("GET", "/me", None, (200, 200, 200, 200, 401)),
    ("PATCH", "/me", {"timezone": "Europe/Lisbon"}, (200, 200, 200, 200, 401)),
    ("GET", "/team", None, (200, 200, 200, 200, 401)),
    ("GET", "/team/members", None, (200, 200, 200, 200, 401)),
    ("PUT", "/me/avatar", PICTURE, (200, 200, 200, 200, 401)),
    ("DELETE", "/me/avatar", None, (204, 204, 204, 204, 401)),
    ("POST", "/exports", {"format": "csv"}, (409, 201, 201, 201, 401)),
    ("GET", "/exports", None, (200, 200, 200, 200, 401)),
    ("GET", "/exports/{export}", None, (200, 404, 404, 404, 401)),
    ("GET", "/notifications", None, (200, 200, 200, 200, 401)),
    ("POST", "/notifications/read", None, (200, 200, 200, 200, 401)),
    ("POST", "/notifications/{notification}/read", None, (200, 404, 404, 404, 401)),
    ("GET", "/reports", None, (200, 200, 200, 200, 401)),
    ("GET", "/reports/{report}", None, (200, 200, 200, 404, 401)),
]


@dataclass
class Scene:
    """A team with an owner's active expectation, and everybody who may call."""

    callers: dict[str, httpx.AsyncClient]
    expectation_id: str
    ids: dict[str, str]


async def new_scene(api: Api, postgres: Database) -> Scene:
    team = Team.made(postgres, owner="member", maria="member", alex="admin")
    callers = {
        OWNER: await api.member(team, "owner"),
        OTHER: await api.member(team, "maria"),
        ADMIN: await api.member(team, "alex"),
        STRANGER: await api.member(Team.made(postgres, nora="admin"), "nora"),
        NOBODY: await api.client(),
    }
    published = await callers[OWNER].post("/expectations", json={"title": "active"})
    exported = await callers[OWNER].post("/exports", json={"format": "csv"})
    report = postgres.execute(
        "insert into reports (team_id, starts_on, ends_on, figures)"
        f" values ('{team.id}', '2026-11-09', '2026-11-15', '{{}}') returning id"
    )
    notification = postgres.execute(
        "insert into notifications (team_id, user_id, kind, title)"
        f" values ('{team.id}', 'user_owner', 'overdue', 'active') returning id"
    )
    ids = {"id": published.json()["id"], "export": exported.json()["id"], "report": report}
    ids["notification"] = notification
    return Scene(callers, ids["id"], ids)


@pytest.fixture
async def scene(api: Api, postgres: Database) -> Scene:
    return await new_scene(api, postgres)


@pytest.mark.parametrize(("method", "path", "body", "statuses"), MATRIX, ids=[f"{m} {p}" for m, p, _, _ in MATRIX])
async def test_permissions(
    api: Api, postgres: Database, method: str, path: str, body: Any, statuses: tuple[int, ...]
) -> None:
    answered = {}
    # Who may change something comes last: the others must find everything as it was.
    for scene_of in ((NOBODY, STRANGER, OTHER, OWNER), (ADMIN,)):
        scene = await new_scene(api, postgres)
        for caller in scene_of:
            sent = {"content": body} if isinstance(body, bytes) else {"json": body}
            answer = await scene.callers[caller].request(method, path.format(**scene.ids), **sent)
            answered[caller] = answer.status_code

    assert answered == dict(zip(CALLERS, statuses, strict=True))


async def test_the_table_has_every_call(api: Api) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        document = (await http.get(f"{api.url}/api/openapi.json")).json()
    calls = {
        (method.upper(), path.removeprefix("/api/v1").replace("expectation_id", "id").replace("_id}", "}"))
        for path, operations in document["paths"].items()
        for method in operations
    }

    assert calls == {(method, path) for method, path, _, _ in MATRIX}


async def test_nobody_reads_what_another_team_does(scene: Scene) -> None:
    stranger = scene.callers[STRANGER]

    assert (await stranger.get("/expectations", params={"status": "all"})).json()["items"] == []
    assert (await stranger.get("/expectations", params={"user_id": "user_owner"})).json()["items"] == []
    assert [member["id"] for member in (await stranger.get("/team/members")).json()["items"]] == ["user_nora"]


async def test_who_was_removed_publishes_no_more_although_the_token_lives_on(
    api: Api, team: Team, postgres: Database
) -> None:
    maria = await api.member(team, "maria")
    postgres.execute(f"delete from memberships where team_id = '{team.id}' and user_id = 'user_maria'")
    refused = await maria.post("/expectations", json={"title": "still here"})

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/member-not-yet-known")
    assert postgres.execute("select count(*) from expectations") == "0"


async def test_an_impersonated_session_only_reads(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex", actor={"sub": "user_support", "iss": "https://x.example", "sid": "sess_1"})
    written = await alex.post("/expectations", json={"title": "not me"})

    assert (await alex.get("/expectations")).status_code == 200
    assert (await alex.get("/me")).status_code == 200
    assert (written.status_code, written.json()["type"]) == (403, "/problems/impersonated-session")
    assert (await alex.patch("/me", json={"timezone": "UTC"})).status_code == 403


RULES: list[tuple[str, str]] = [
    # the rule, and SQL that would break it; {id} is active, {done} is history
    (
        "one_active_expectation",
        "insert into expectations (team_id, user_id, title) select team_id, user_id, title from expectations"
        " where id = '{id}'",
    ),
    ("title_length", "update expectations set title = ' ' where id = '{id}'"),
    ("title_length", "update expectations set title = repeat('x', 501) where id = '{id}'"),
    ("estimated_completion_in_future", "update expectations set estimated_completion = now() where id = '{id}'"),
    (
        "done_after_created",
        "update expectations set is_done = true, done_at = created_at - '1 s'::interval where id = '{id}'",
    ),
    ("done_has_time", "update expectations set is_done = true where id = '{id}'"),
    ("done_has_time", "update expectations set done_at = now() where id = '{id}'"),
    ("archived_is_done", "update expectations set archived_at = now() where id = '{id}'"),
    ("expectation_is_history", "update expectations set title = 'x' where id = '{done}'"),
    ("expectation_is_history", "update expectations set is_done = false, done_at = null where id = '{done}'"),
    ("expectation_is_history", "delete from expectations where id = '{done}'"),
    ("expectation_keeps_its_owner", "update expectations set user_id = 'user_alex' where id = '{id}'"),
]


@pytest.mark.parametrize(("rule", "sql"), RULES, ids=[f"{rule}: {sql[:40]}" for rule, sql in RULES])
async def test_the_database_keeps_the_rules_by_itself(scene: Scene, postgres: Database, rule: str, sql: str) -> None:
    owner = scene.callers[OWNER]
    await owner.post(f"/expectations/{scene.expectation_id}/complete")
    active = await owner.post("/expectations", json={"title": "next"})
    connection = await asyncpg.connect(postgres.url())
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(sql.format(id=active.json()["id"], done=scene.expectation_id))
    finally:
        await connection.close()

    assert refused.value.constraint_name == rule


Call = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


def changing(**change: Any) -> Call:
    """A PATCH of the active expectation."""
    return lambda client, id_: client.patch(f"/expectations/{id_}", json=change)


def asking(path: str) -> Call:
    """A GET."""
    return lambda client, _: client.get(path)


INVALID: dict[str, tuple[str, Call]] = {
    # what is wrong -> where the problem points
    "blank title": ("/title", changing(title=" \n")),
    "long title": ("/title", changing(title="x" * 501)),
    "zero byte": ("/title", changing(title="a\0b")),
    "date without offset": ("/estimated_completion", changing(estimated_completion="2040-01-01T10:00:00")),
    "date as number": ("/estimated_completion", changing(estimated_completion=2_000_000_000)),
    "unknown field": ("/is_done", changing(is_done=True)),
    "nothing to change": ("", changing()),
    "bad id": ("path/expectation_id", asking("/expectations/1")),
    "too many items": ("query/limit", asking("/expectations?limit=101")),
    "made-up cursor": ("query/cursor", asking("/expectations?cursor=abc")),
    "unknown status": ("query/status", asking("/expectations?status=new")),
    "unknown time zone": ("/timezone", lambda client, _: client.patch("/me", json={"timezone": "Mars"})),
    "ETag without quotes": (
        "header/If-Match",
        lambda client, id_: client.patch(f"/expectations/{id_}", json=TITLE, headers={"if-match": "1"}),
    ),
}


@pytest.mark.parametrize("case", INVALID)
async def test_bad_input_gets_a_problem_that_names_the_field(scene: Scene, case: str) -> None:
    pointer, call = INVALID[case]
    answer = await call(scene.callers[OWNER], scene.expectation_id)
    problem = answer.json()

    assert (answer.status_code, problem["type"]) == (422, "/problems/invalid-input")
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["expected"] for error in problem["errors"])


async def test_an_estimate_in_the_past_is_refused_by_name(scene: Scene) -> None:
    answers = [
        await changing(estimated_completion=in_hours(-1))(scene.callers[OWNER], scene.expectation_id),
        await scene.callers[OTHER].post("/expectations", json={"title": "x", "estimated_completion": in_hours(-1)}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/estimate-in-past")
        assert answer.json()["errors"][0]["pointer"] == "/estimated_completion"


async def test_unknown_paths_and_methods_are_problems_too(scene: Scene) -> None:
    unknown = await scene.callers[OWNER].get("/nothing")
    wrong = await scene.callers[OWNER].delete("/me")

    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
