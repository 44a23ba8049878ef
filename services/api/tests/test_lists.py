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
    assert sorted(await titles(status="archived")) == ["Alex done 9", "Maria done 9"]
    assert await titles(status="archived", user_id="user_maria") == ["Maria done 9"]
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


KNOWN = "known are limit, cursor, status, user_id, from, to"
EXPECTED_INSTANT = "a time with its offset, like 2030-01-31T17:00:00+01:00"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("staus", "completed", f"no such name: {KNOWN} (did you mean status?)"),
        ("from_", "2030-01-31T17:00:00Z", f"no such name: {KNOWN} (did you mean from?)"),
        ("me", "x", f"no such name: {KNOWN}"),
        ("status", "actve", "one of 'active', 'completed', 'archived' or 'all' (did you mean active?)"),
        ("limit", "abc", "a whole number"),
        ("limit", "0", "a number of at least 1"),
        ("limit", "101", "a number of at most 100"),
        ("user_id", "a b", "a member's id, like user_2DemoAlex, or me"),
        ("from", "yesterday", EXPECTED_INSTANT),
        ("from", "2030-01-31", f"{EXPECTED_INSTANT} (the day alone leaves open when)"),
        (
            "from",
            "2030-01-31T17:00:00",
            f"{EXPECTED_INSTANT} (the offset is missing: append Z for UTC, or one like +01:00)",
        ),
        ("from", "2030-13-01T17:00:00Z", f"{EXPECTED_INSTANT} (month must be in 1..12)"),
        ("from", "2030-02-30T17:00:00Z", f"{EXPECTED_INSTANT} (day is out of range for month)"),
        ("to", "2030-01-31T25:00:00Z", f"{EXPECTED_INSTANT} (hour must be in 0..23)"),
        ("cursor", "x", "`next_cursor` of the page before, unchanged"),
    ],
)
async def test_what_is_wrong_with_a_question_is_named_with_what_was_expected(
    api: Api, team: Team, name: str, value: str, expected: str
) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.get("/expectations", params={name: value})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["expected"]) == (f"query/{name}", expected)
    assert error.get("got", f'"{value}"') == f'"{value}"'
    assert f"`{name}`" in answer.json()["detail"]
    assert expected.removeprefix("no such name: ") in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/exports", "/reports", "/team/members"])
async def test_every_list_refuses_names_that_it_does_not_know(api: Api, team: Team, path: str) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.get(path, params={"limt": "5"})

    assert answer.json()["errors"] == [
        {"pointer": "query/limt", "expected": "no such name: known are limit, cursor (did you mean limit?)"}
    ]


async def test_me_is_the_caller_and_is_never_answered_to_somebody_else(api: Api, team: Team) -> None:
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    for member, title in ((alex, "of Alex"), (maria, "of Maria")):
        await member.post("/expectations", json={"title": title})
    seen = [
        [item["title"] for item in (await member.get("/expectations?user_id=me")).json()["items"]]
        for member in (alex, maria, alex)
    ]

    assert seen == [["of Alex"], ["of Maria"], ["of Alex"]]


async def test_a_plus_that_was_sent_as_a_blank_is_read_as_meant(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "now"})
    found = [
        len((await alex.get(f"/expectations?{period}=2020-01-01T00:00:00+01:00")).json()["items"])
        for period in ("from", "to")
    ]

    assert found == [1, 0]
