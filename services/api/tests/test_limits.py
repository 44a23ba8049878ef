"""Nobody, by too many, too large or too slow requests, takes the api from the others."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from rte_api.limits import MAX_MEMBERS, RateLimits
from rte_devstack.testing import Database

from .running import PROBLEM, Api, StartApi, Team


async def test_a_member_who_calls_too_often_is_told_when_to_come_back(start_api: StartApi, team: Team) -> None:
    api = await start_api(rate_limit_requests_per_minute=5, rate_limit_writes_per_minute=2)
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    writes = [await alex.post("/expectations", json={"title": "a"}) for _ in range(3)]
    reads = [await alex.get("/me") for _ in range(4)]
    other = await maria.get("/me")

    assert [answer.status_code for answer in writes] == [201, 409, 429]
    assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
    assert other.status_code == 200
    assert writes[0].headers["ratelimit-policy"] == '"requests";q=5;w=60, "writes";q=2;w=60'
    assert writes[0].headers["ratelimit"] == '"requests";r=4;t=60, "writes";r=1;t=60'
    assert reads[0].headers["ratelimit"].startswith('"requests";r=2;t=')
    assert reads[3].json()["type"] == "/problems/too-many-requests"
    assert reads[3].headers["content-type"] == PROBLEM
    assert 0 < int(reads[3].headers["retry-after"]) <= 60


def test_the_limits_keep_ten_thousand_members_apart_and_begin_anew_each_minute() -> None:
    now = 0.0
    limits = RateLimits(3, 1, clock=lambda: now)
    members = [f"user_{n}" for n in range(10_000)]
    first = [[limits.consume(member, writes=False).allowed for member in members] for _ in range(4)]
    now = 59.9
    still = limits.consume("user_0", writes=False).allowed
    now = 60.0
    anew = [limits.consume(member, writes=False).allowed for member in members]

    assert [set(turn) for turn in first] == [{True}, {True}, {True}, {False}]
    assert still is False
    assert set(anew) == {True}
    assert len(limits) == 10_000


def test_the_limits_stay_in_bounded_memory() -> None:
    now = 0.0
    limits = RateLimits(3, 1, clock=lambda: now)
    for n in range(MAX_MEMBERS + 1_000):
        limits.consume(f"user_{n}", writes=False)
    most = len(limits)
    now = 61.0
    limits.consume("user_0", writes=False)

    assert most == MAX_MEMBERS
    assert len(limits) == 1


async def test_a_large_body_is_refused_declared_or_not(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")

    async def chunks() -> object:
        for _ in range(70):
            yield b"x" * 1024

    json = {"content-type": "application/json"}
    declared = await alex.post("/expectations", content=b"x" * 70_000, headers=json)
    chunked = await alex.post("/expectations", content=chunks(), headers=json)  # type: ignore[arg-type]

    assert declared.json()["detail"] == "The body has 70,000 bytes, and may have 65,536 (64 KiB)"
    assert chunked.json()["detail"] == "The body has more than 65,536 bytes, and may have 65,536 (64 KiB)"
    for answer in (declared, chunked):
        assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
        assert answer.json()["type"] == "/problems/body-too-large"


async def test_a_half_sent_body_does_not_hold_up_others_and_is_given_up(start_api: StartApi, team: Team) -> None:
    api = await start_api(body_timeout_seconds=0.5)
    address = urlsplit(api.url)
    head = (
        f"POST /api/v1/expectations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        f"Authorization: Bearer {api.token(team, 'alex')}\r\n\r\n"
    )
    slow = [await asyncio.open_connection(address.hostname, address.port) for _ in range(50)]
    for _, writer in slow:
        writer.write(head.encode() + b'{"title":')
        await writer.drain()
    maria = await api.member(team, "maria")
    meanwhile = await maria.get("/me")
    answers = [await reader.read() for reader, _ in slow]
    for _, writer in slow:
        writer.close()

    assert meanwhile.status_code == 200
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert all(PROBLEM.encode() in answer for answer in answers)
    assert all(b"The body did not arrive within 0.5 seconds: 9 of 100 bytes came" in answer for answer in answers)


async def test_a_request_that_takes_too_long_is_undone(start_api: StartApi, team: Team) -> None:
    api = await start_api(request_timeout_seconds=0.5, database_timeout_seconds=30)
    alex = await api.member(team, "alex")
    published = (await alex.post("/expectations", json={"title": "before"})).json()
    async with api.locked("expectations"):
        late = await alex.patch(f"/expectations/{published['id']}", json={"title": "after"})

    assert (late.status_code, late.json()["type"]) == (503, "/problems/too-slow")
    assert late.headers["retry-after"] == "5"
    assert (await alex.get(f"/expectations/{published['id']}")).json()["title"] == "before"


@pytest.fixture
def held_commits(postgres: Database) -> Iterator[None]:
    """A commit of changed expectations waits for the advisory lock 4711."""
    postgres.execute(
        "create function held_commit() returns trigger language plpgsql as"
        " $$ begin perform pg_advisory_xact_lock(4711); return null; end $$;"
        "create constraint trigger held_commit after update on expectations deferrable initially deferred"
        " for each row execute function held_commit();"
    )
    yield
    postgres.execute("drop function held_commit cascade")


async def test_of_a_request_whose_time_ends_in_its_commit_nobody_says_that_it_is_undone(
    start_api: StartApi, team: Team, postgres: Database, held_commits: None
) -> None:
    api = await start_api(request_timeout_seconds=0.5, database_timeout_seconds=30)
    alex = await api.member(team, "alex")
    published = (await alex.post("/expectations", json={"title": "before"})).json()
    holder = await asyncpg.connect(postgres.url())
    await holder.execute("select pg_advisory_lock(4711)")
    late = await alex.patch(f"/expectations/{published['id']}", json={"title": "after"})
    await holder.close()

    assert (late.status_code, late.json()["type"]) == (503, "/problems/too-slow")
    assert late.json()["detail"].startswith("Nothing was changed, or it was changed as a whole")
    await postgres.until("select title from expectations", "after")


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://evil.example"])
async def test_only_pages_of_allowed_origins_may_read_answers(api: Api, origin: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        headers = {"origin": origin, "access-control-request-method": "POST"}
        preflight = await http.options(f"{api.url}/api/v1/expectations", headers=headers)

    allowed = origin == api.signer.authorized_party
    assert preflight.status_code == (200 if allowed else 400)
    assert preflight.headers.get("access-control-allow-origin") == (origin if allowed else None)
