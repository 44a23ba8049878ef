"""Exports belong to their member, reports to their team; both are made by jobs."""

import asyncio
import json

import httpx

from rte_devstack.testing import Database

from .running import Api, Team

FIGURES = {
    "completed": 3,
    "estimated": 2,
    "on_time": 1,
    "on_time_share": 0.5,
    "median_error_hours": 1.25,
    "days": [1, 0, 2, 0, 0, 0, 0],
    "members": [{"user_id": "user_alex", "name": "Alex", "completed": 3, "on_time": 1}],
}


def finish(database: Database, export: str, path: str) -> None:
    """Mark it as jobs does."""
    database.execute(
        f"update exports set status = 'running' where id = '{export}';"
        f"update exports set status = 'ready', progress = 100, object_path = '{path}', finished_at = now()"
        f" where id = '{export}'"
    )


async def test_an_export_is_asked_for_once_and_read_by_its_owner_only(api: Api, team: Team, other_team: Team) -> None:
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    nora = await api.member(other_team, "nora")
    asked = await alex.post("/exports", json={"format": "csv"})
    second = await alex.post("/exports", json={"format": "json"})
    url = f"/exports/{asked.json()['id']}"
    waiting = await alex.get(url)

    assert (asked.status_code, asked.json()["status"], asked.headers["location"]) == (201, "requested", f"/api/v1{url}")
    assert (second.status_code, second.json()["type"]) == (409, "/problems/export-in-progress")
    assert (waiting.json()["progress"], waiting.json()["url"]) == (0, None)
    assert [(await client.get(url)).status_code for client in (maria, nora)] == [404, 404]
    assert [(await client.get("/exports")).json()["items"] for client in (maria, nora)] == [[], []]
    assert (await alex.get("/exports")).json()["items"] == [asked.json()]


async def test_a_ready_export_has_a_link_to_its_file(api: Api, team: Team, exports_bucket: httpx.AsyncClient) -> None:
    alex = await api.member(team, "alex")
    export = (await alex.post("/exports", json={"format": "csv"})).json()["id"]
    path = f"{team.id}/user_alex/{export}.csv"
    (await exports_bucket.post(path, content=b"a,b\n", headers={"content-type": "text/csv"})).raise_for_status()
    finish(api.database, export, path)
    ready = (await alex.get(f"/exports/{export}")).json()
    async with httpx.AsyncClient(trust_env=False) as http:
        file = await http.get(ready["url"])

    assert (ready["status"], ready["progress"]) == ("ready", 100)
    assert (file.status_code, file.content) == (200, b"a,b\n")
    assert f"expectations-{ready['created_at'][:10]}.csv" in file.headers["content-disposition"]


async def test_an_export_whose_file_is_gone_is_not_found(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    export = (await alex.post("/exports", json={"format": "csv"})).json()["id"]
    finish(api.database, export, f"{team.id}/user_alex/{export}.csv")

    gone = await alex.get(f"/exports/{export}")

    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/not-found")


async def test_the_same_request_for_an_export_is_answered_again(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    headers = {"idempotency-key": "e1"}
    answers = await asyncio.gather(*(alex.post("/exports", json={"format": "csv"}, headers=headers) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_exports_and_reports_are_paged(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    api.database.execute(
        "insert into exports (team_id, user_id, format, status, finished_at, created_at)"
        f" select '{team.id}', 'user_alex', 'csv', 'failed', now(), now() - n / 2 * interval '1 h'"
        " from generate_series(1, 5) n;"
        "insert into reports (team_id, starts_on, ends_on, figures)"
        f" select '{team.id}', monday, monday + 6, '{json.dumps(FIGURES)}'"
        " from generate_series(1, 5) n, lateral (select date '2026-01-05' + 7 * n) d (monday)"
    )
    for path in ("/exports", "/reports"):
        first = (await alex.get(path, params={"limit": 2})).json()
        second = (await alex.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
        third = (await alex.get(path, params={"limit": 2, "cursor": second["next_cursor"]})).json()
        assert [len(page["items"]) for page in (first, second, third)] == [2, 2, 1]
        assert len({item["id"] for page in (first, second, third) for item in page["items"]}) == 5
        assert third["next_cursor"] is None


async def test_reports_are_read_by_their_team_only(api: Api, team: Team, other_team: Team) -> None:
    alex, nora = await api.member(team, "alex"), await api.member(other_team, "nora")
    report = api.database.execute(
        "insert into reports (team_id, starts_on, ends_on, figures)"
        f" values ('{team.id}', '2026-11-09', '2026-11-15', '{json.dumps(FIGURES)}') returning id"
    )
    read = await alex.get(f"/reports/{report}")

    assert (read.status_code, read.json()["figures"], read.json()["starts_on"]) == (200, FIGURES, "2026-11-09")
    assert [item["id"] for item in (await alex.get("/reports")).json()["items"]] == [report]
    assert (await nora.get(f"/reports/{report}")).status_code == 404
    assert (await nora.get("/reports")).json()["items"] == []
