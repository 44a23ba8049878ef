"""Lists neither skip nor repeat, and hold what was asked for."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from rte_devstack.testing import Database

from .running import Api, Team


def history(team: Team, name: str, count: int) -> str:
    """SQL for completed expectations of a member: one a day, some of them at the same moment."""
    return (
        "insert into expectations (team_id, user_id, title, is_done, done_at, created_at)"
        f" select '{team.id}', 'user_{name}', 'done ' || n, true, day, day - interval '2 h'"
        f" from generate_series(1, {count}) n, lateral (select now() - (n / 3) * interval '1 day') d (day);"
    )


async def walk(client: httpx.AsyncClient, **question: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """The pages of a list, one after the other."""
    while True:
        page = (await client.get("/expectations", params=question)).raise_for_status().json()
        yield page["items"]
        if page["next_cursor"] is None:
            return
        question["cursor"] = page["next_cursor"]


async def test_walking_a_list_neither_skips_nor_repeats_while_rows_are_added(
    api: Api, team: Team, postgres: Database
) -> None:
    postgres.execute(history(team, "alex", 25))
    alex = await api.member(team, "alex")
    before = set(postgres.execute("select id from expectations").splitlines())
    seen: list[dict[str, Any]] = []
    async for items in walk(alex, status="completed", limit=4):
        seen += items
        added = (await alex.post("/expectations", json={"title": "added"})).json()
        await alex.post(f"/expectations/{added['id']}/complete")

    assert len(seen) == 25
    assert {item["id"] for item in seen} == before
    assert [item["done_at"] for item in seen] == sorted((item["done_at"] for item in seen), reverse=True)


async def test_lists_by_state_member_and_period(api: Api, team: Team, postgres: Database) -> None:
    postgres.execute(history(team, "alex", 9) + history(team, "maria", 9))
    alex = await api.member(team, "alex")
    active = (await alex.post("/expectations", json={"title": "active"})).json()
    old = postgres.execute("update expectations set archived_at = now() where title = 'done 9' returning id")

    async def titles(**question: Any) -> list[str]:
        answer = await alex.get("/expectations", params=question)
        return [f"{item['user']['name']} {item['title']}" for item in answer.json()["items"]]

    everything = await titles(status="all")
    done_at = (await alex.get("/expectations?status=completed&user_id=user_alex&limit=3")).json()["items"][2]["done_at"]
    assert len(old.splitlines()) == 2
    assert (len(everything), everything[0]) == (19, "Alex active")
    assert await titles() == await titles(status="active") == ["Alex active"]
    assert len(await titles(status="completed")) == 16, "what is archived has left the history"
    assert len(await titles(status="completed", user_id="user_maria")) == 8
    assert await titles(status="active", user_id="user_maria") == []
    period = {"status": "completed", "user_id": "user_alex", "from": done_at}
    assert len(await titles(**period)) == 5
    assert len(await titles(**{**period, "from": "2000-01-01T00:00:00Z", "to": done_at})) == 3
    assert active["user"] == {"id": "user_alex", "name": "Alex", "avatar_url": None}


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2030-01-01T00:00:00", "x", 5]
)
async def test_a_cursor_that_no_page_gave_is_refused(api: Api, team: Team, at: object) -> None:
    alex = await api.member(team, "alex")
    cursor = base64.urlsafe_b64encode(orjson.dumps([at, uuid4()])).decode()
    answer = await alex.get("/expectations", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["query/cursor"]


EXPECTED_INSTANT = "a time with its offset, like 2030-01-31T17:00:00+01:00"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("staus", "completed", "no such name: nothing is known by it"),
        ("from_", "2030-01-31T17:00:00Z", "no such name: nothing is known by it"),
        ("from", "yesterday", EXPECTED_INSTANT),
        ("from", "2030-02-30T17:00:00Z", EXPECTED_INSTANT),
        ("to", "2030-01-31T25:00:00Z", EXPECTED_INSTANT),
    ],
)
async def test_what_is_wrong_with_a_question_is_named_with_what_was_expected(
    api: Api, team: Team, name: str, value: str, expected: str
) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.get("/expectations", params={name: value})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert answer.json()["errors"] == [{"pointer": f"query/{name}", "expected": expected}]
