"""The owner takes back a completion within a minute; history is immutable otherwise, whatever way it is tried."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest

from rte_devstack.testing import Database

from .running import Api, Team

REOPEN = "update expectations set is_done = false, done_at = null where id = $1"


@pytest.fixture
async def alex(api: Api, team: Team) -> httpx.AsyncClient:
    return await api.member(team, "alex")


@pytest.fixture
async def maria(api: Api, team: Team) -> httpx.AsyncClient:
    return await api.member(team, "maria")


async def done(client: httpx.AsyncClient, title: str = "done") -> str:
    """The address of an expectation that was completed just now."""
    published = await client.post("/expectations", json={"title": title})
    url = published.headers["location"].removeprefix("/api/v1")
    assert (await client.post(f"{url}/complete")).status_code == 200
    return str(url)


def done_ago(postgres: Database, team: Team, seconds: int, **columns: str) -> str:
    """The address of Maria's expectation that was completed so long ago."""
    values = {"done_at": f"now() - interval '{seconds} s'"} | columns
    id_ = postgres.execute(
        f"insert into expectations (team_id, user_id, title, is_done, created_at, {', '.join(values)})"
        f" values ('{team.id}', 'user_maria', 'old', true, now() - interval '100 days', {', '.join(values.values())})"
        " returning id"
    )
    return f"/expectations/{id_}"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_what_is_reopened_is_active_again_as_it_was(maria: httpx.AsyncClient, postgres: Database) -> None:
    url = await done(maria, "nearly")
    reopened = await maria.post(f"{url}/reopen")
    read = await maria.get(url)

    assert reopened.status_code == 200
    assert (reopened.content, reopened.headers["etag"]) == (read.content, read.headers["etag"])
    shown = reopened.json()
    assert (shown["title"], shown["is_done"], shown["done_at"], shown["version"]) == ("nearly", False, None, 3)
    assert [item["id"] for item in (await maria.get("/expectations")).json()["items"]] == [shown["id"]]
    assert (await maria.get("/expectations?status=completed")).json()["items"] == []


async def test_it_is_an_update_that_says_who_and_what_was_before(
    api: Api, team: Team, maria: httpx.AsyncClient, postgres: Database
) -> None:
    url = await done(maria)
    connection = await asyncpg.connect(postgres.url())
    try:  # the relay of the api waits for the table's rows: in this transaction the event is there to be read
        async with connection.transaction():
            claims = json.dumps({"sub": "user_maria", "o": {"id": team.id}})
            await connection.execute("select set_config('request.jwt.claims', $1, true)", claims)
            await connection.execute(REOPEN, url.rpartition("/")[2])
            event = json.loads(await connection.fetchval("select payload from outbox order by id desc limit 1"))
    finally:
        await connection.close()

    assert (event["type"], event["change"], event["actor_id"]) == ("expectation.reopened.v1", "UPDATE", "user_maria")
    assert (event["old_record"]["is_done"], event["record"]["is_done"]) == (True, False)


async def test_reopening_again_changes_nothing(maria: httpx.AsyncClient) -> None:
    url = await done(maria)
    answers = await asyncio.gather(
        *(maria.post(f"{url}/reopen", headers={"if-match": '"2"'}) for _ in range(8)),
    )

    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["version"] == 3


async def test_what_was_never_done_stays_as_it_is(maria: httpx.AsyncClient) -> None:
    published = await maria.post("/expectations", json={"title": "active"})
    reopened = await maria.post(f"/expectations/{published.json()['id']}/reopen")

    assert (reopened.status_code, reopened.content) == (200, published.content)


async def test_another_version_than_that_of_if_match_is_not_reopened(maria: httpx.AsyncClient) -> None:
    url = await done(maria)
    refused = await maria.post(f"{url}/reopen", headers={"if-match": '"1"'})
    reopened = await maria.post(f"{url}/reopen", headers={"if-match": '"2"'})

    assert (refusal(refused), refused.json()["version"]) == ((412, "version-mismatch"), 2)
    assert reopened.status_code == 200


async def test_nobody_reopens_for_the_owner(alex: httpx.AsyncClient, maria: httpx.AsyncClient) -> None:
    of_alex, of_maria = await done(alex), await done(maria)
    answers = [await maria.post(f"{of_alex}/reopen"), await alex.post(f"{of_maria}/reopen")]  # Alex is admin

    assert [refusal(answer) for answer in answers] == [(403, "not-the-owner")] * 2
    assert "an admin" in answers[1].json()["detail"]


async def test_after_a_minute_it_is_history(maria: httpx.AsyncClient, team: Team, postgres: Database) -> None:
    late, in_time = done_ago(postgres, team, 61), done_ago(postgres, team, 50)

    assert refusal(await maria.post(f"{late}/reopen")) == (409, "too-late-to-reopen")
    assert (await maria.post(f"{in_time}/reopen")).status_code == 200


async def test_a_later_done_at_buys_no_time(maria: httpx.AsyncClient, team: Team, postgres: Database) -> None:
    url = done_ago(postgres, team, -3600, updated_at="now() - interval '61 s'")

    assert refusal(await maria.post(f"{url}/reopen")) == (409, "too-late-to-reopen")


async def test_what_is_archived_stays_so(maria: httpx.AsyncClient, team: Team, postgres: Database) -> None:
    url = done_ago(postgres, team, 1, archived_at="now()")

    assert refusal(await maria.post(f"{url}/reopen")) == (409, "too-late-to-reopen")


async def test_what_is_newer_and_active_stays_the_one(maria: httpx.AsyncClient) -> None:
    url = await done(maria)
    newer = (await maria.post("/expectations", json={"title": "newer"})).json()
    refused = await maria.post(f"{url}/reopen")
    await maria.post(f"/expectations/{newer['id']}/complete")

    assert (refusal(refused), refused.json()["active"]) == ((409, "active-expectation-exists"), newer["id"])
    assert (await maria.post(f"{url}/reopen")).status_code == 200


async def test_of_eight_who_reopen_and_eight_who_publish_at_once_one_wins(
    maria: httpx.AsyncClient, postgres: Database
) -> None:
    for _ in range(5):
        url = await done(maria)
        calls = [
            call
            for n in range(8)
            for call in (maria.post(f"{url}/reopen"), maria.post("/expectations", json={"title": str(n)}))
        ]
        answers = await asyncio.gather(*calls)
        reopened, published = answers[::2], answers[1::2]
        active = postgres.execute("select id from expectations where not is_done")

        if active == url.rpartition("/")[2]:
            assert {answer.status_code for answer in reopened} == {200}
            assert {refusal(answer) for answer in published} == {(409, "active-expectation-exists")}
        else:
            assert {refusal(answer) for answer in reopened} == {(409, "active-expectation-exists")}
            assert sorted(answer.status_code for answer in published) == [201] + [409] * 7
        await maria.post(f"/expectations/{active}/complete")


async def test_who_completes_and_reopens_at_once_is_answered_in_some_order(
    maria: httpx.AsyncClient, postgres: Database
) -> None:
    for _ in range(5):
        url = await done(maria)
        answers = await asyncio.gather(
            *(maria.post(f"{url}/{act}") for _ in range(8) for act in ("reopen", "complete"))
        )
        by_version = {answer.json()["version"]: answer.json()["is_done"] for answer in answers}

        assert {answer.status_code for answer in answers} == {200}
        assert by_version == {version: version % 2 == 0 for version in by_version}
        await maria.post(f"{url}/complete")


async def test_who_was_removed_reopens_nothing_although_the_token_lives_on(
    maria: httpx.AsyncClient, team: Team, postgres: Database
) -> None:
    url = await done(maria)
    postgres.execute(f"delete from memberships where team_id = '{team.id}' and user_id = 'user_maria'")

    assert refusal(await maria.post(f"{url}/reopen")) == (503, "member-not-yet-known")
    assert postgres.execute("select is_done from expectations") == "t"


async def as_member(postgres: Database, team: Team, name: str | None, sql: str, *arguments: Any) -> str:
    """Run SQL as Supabase would for that member's browser, or by hand; the answer's tag, or the constraint."""
    connection = await asyncpg.connect(postgres.url("rte_api" if name else "postgres"))
    try:
        async with connection.transaction():
            if name:
                claims = {"sub": f"user_{name}", "o": {"id": team.id, "rol": team.roles[name]}}
                await connection.execute("set local role authenticated")
                await connection.execute("select set_config('request.jwt.claims', $1, true)", json.dumps(claims))
            return str(await connection.execute(sql, *arguments))
    except asyncpg.IntegrityConstraintViolationError as error:
        return str(error.constraint_name)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("name", "sql", "outcome"),
    [
        ("maria", REOPEN, "UPDATE 1"),
        ("alex", REOPEN, "expectation_is_history"),
        (None, REOPEN, "expectation_is_history"),
        ("maria", REOPEN.replace("done_at = null", "done_at = null, title = 'x'"), "expectation_is_history"),
        ("maria", "update expectations set done_at = now() where id = $1", "expectation_is_history"),
        ("maria", "delete from expectations where id = $1", "expectation_is_history"),
    ],
)
async def test_the_database_itself_lets_the_owner_alone_reopen_and_change_nothing_else(
    maria: httpx.AsyncClient, team: Team, postgres: Database, name: str | None, sql: str, outcome: str
) -> None:
    url = await done(maria)

    assert await as_member(postgres, team, name, sql, url.rpartition("/")[2]) == outcome


@pytest.mark.parametrize(
    ("seconds", "columns", "outcome"),
    [
        (61, {}, "reopened_within_a_minute"),
        (-3600, {"updated_at": "now() - interval '61 s'"}, "reopened_within_a_minute"),
        (1, {"archived_at": "now()"}, "expectation_is_history"),
        (1, {}, "UPDATE 1"),
    ],
)
async def test_the_database_itself_keeps_the_minute(
    api: Api, team: Team, postgres: Database, seconds: int, columns: dict[str, str], outcome: str
) -> None:
    url = done_ago(postgres, team, seconds, **columns)

    assert await as_member(postgres, team, "maria", REOPEN, url.rpartition("/")[2]) == outcome


async def test_the_index_decides_when_a_newer_one_is_active(
    maria: httpx.AsyncClient, team: Team, postgres: Database
) -> None:
    url = await done(maria)
    await maria.post("/expectations", json={"title": "newer"})

    assert await as_member(postgres, team, "maria", REOPEN, url.rpartition("/")[2]) == "one_active_expectation"
