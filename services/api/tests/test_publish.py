"""A member publishes an expectation: once, even when asked eight times at once, and the event follows the commit."""

import asyncio
import json
from collections.abc import Callable

import asyncpg
import nats

from rte_api.expectations.service import ActiveExpectationExists
from rte_devstack.nats import Nats
from rte_devstack.postgres import Postgres
from rte_devstack.testing import Broker, Database

from .running import PROBLEM, Api, StartApi, StartOn, Team, in_hours


async def test_of_eight_simultaneous_posts_one_wins_and_one_event_is_written(
    api: Api, team: Team, nats_server: Broker
) -> None:
    alex = await api.member(team, "alex")
    events = await nats.connect(nats_server.url)
    try:
        subscription = await events.subscribe("rte.events.>")
        new = {"title": "Finalize Q3 marketing report", "estimated_completion": in_hours(6)}
        answers = await asyncio.gather(*(alex.post("/expectations", json=new) for _ in range(8)))
        won = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 409]
        event = json.loads((await subscription.next_msg(10)).data)
        # Its own event comes after everything that the eight may have caused.
        await alex.post(f"/expectations/{won[0].json()['id']}/complete")
        after = json.loads((await subscription.next_msg(10)).data)
    finally:
        await events.close()

    assert (len(won), len(refused)) == (1, 7)
    for answer in refused:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["active"] == won[0].json()["id"]
        assert f"POST {won[0].headers['location']}/complete" in answer.json()["detail"]
        assert answer.json()["type"] == "/problems/active-expectation-exists"
    assert event["type"] == "expectation.created.v1"
    assert event["record"]["id"] == won[0].json()["id"]
    assert event["actor_id"] == "user_alex"
    assert after["type"] == "expectation.completed.v1"


async def test_a_refusal_names_what_was_active_also_while_it_is_being_finished(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    made: set[str] = set()
    refused = []

    async def publish_and_complete() -> None:
        for _ in range(15):
            answer = await alex.post("/expectations", json={"title": "race"})
            if answer.status_code == 201:
                made.add(answer.json()["id"])
                assert (await alex.post(f"{answer.headers['location']}/complete".removeprefix("/api/v1"))).is_success
            else:
                refused.append(answer)

    await asyncio.gather(*(publish_and_complete() for _ in range(4)))

    assert {answer.status_code for answer in refused} == {409}
    assert {answer.json()["active"] for answer in refused} - {None} <= made


async def test_of_one_that_is_gone_when_it_is_looked_for_is_said_so() -> None:
    refusal = ActiveExpectationExists(None)

    assert (refusal.detail, refusal.extensions) == ("It was finished a moment ago: try again", {"active": None})


async def test_events_wait_for_nats_and_arrive_once_and_in_order(
    start_on: StartOn, private_postgres: Postgres, private_nats: Callable[[], Nats]
) -> None:
    server = private_nats()
    api = await start_on(private_postgres, nats_url=server.url)
    team = Team.made(api.database, alex="admin")
    alex = await api.member(team, "alex")
    first = await alex.post("/expectations", json={"title": "before"})
    server.stop()
    completed = await alex.post(f"/expectations/{first.json()['id']}/complete")
    second = await alex.post("/expectations", json={"title": "during"})
    server.start()
    third = await alex.post(f"/expectations/{second.json()['id']}/complete")

    events = await nats.connect(server.url)
    try:
        jetstream = events.jetstream()
        async with asyncio.timeout(30):
            while (await jetstream.stream_info("EVENTS")).state.messages < 4:
                pass
        stored = [(await jetstream.get_msg("EVENTS", number)).data or b"" for number in range(1, 5)]
        kept = (await jetstream.stream_info("EVENTS")).state.messages
    finally:
        await events.close()

    assert [answer.status_code for answer in (first, completed, second, third)] == [201, 200, 201, 200]
    seen = [json.loads(event) for event in stored]
    assert [(event["type"], event["record"]["title"]) for event in seen] == [
        ("expectation.created.v1", "before"),
        ("expectation.completed.v1", "before"),
        ("expectation.created.v1", "during"),
        ("expectation.completed.v1", "during"),
    ]
    assert kept == 4


async def test_a_member_whose_webhook_has_not_arrived_is_asked_to_come_back(api: Api, team: Team) -> None:
    stranger = await api.member(team, "not-yet-here")

    for answer in (await stranger.post("/expectations", json={"title": "early"}), await stranger.get("/me")):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "/problems/member-not-yet-known"


async def test_members_of_another_team_see_nothing(api: Api, team: Team, other_team: Team) -> None:
    alex, nora = await api.member(team, "alex"), await api.member(other_team, "nora")
    published = (await alex.post("/expectations", json={"title": "secret"})).json()

    assert [item["title"] for item in (await alex.get("/expectations")).json()["items"]] == ["secret"]
    assert (await nora.get("/expectations")).json()["items"] == []
    refused = await nora.post(f"/expectations/{published['id']}/complete")
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/not-found")


async def test_a_forgotten_where_does_not_leak_another_team(
    api: Api, team: Team, other_team: Team, postgres: Database
) -> None:
    alex = await api.member(team, "alex")
    assert (await alex.post("/expectations", json={"title": "secret"})).status_code == 201
    connection = await asyncpg.connect(postgres.url("rte_api"))
    try:
        seen = {}
        for owner in (team, other_team):
            async with connection.transaction():
                claims = json.dumps({"sub": "user_nora", "o": {"id": owner.id}})
                await connection.execute(
                    "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
                    claims,
                )
                seen[owner.id] = await connection.fetchval("select count(*) from expectations")
    finally:
        await connection.close()

    assert seen == {team.id: 1, other_team.id: 0}


async def test_what_was_made_by_a_clock_ahead_of_ours_can_be_completed(
    api: Api, team: Team, postgres: Database
) -> None:
    alex = await api.member(team, "alex")
    made = postgres.execute(
        "insert into expectations (team_id, user_id, title, created_at)"
        f" values ('{team.id}', 'user_alex', 'from before the failover', now() + interval '1 minute') returning id"
    )
    done = await alex.post(f"/expectations/{made}/complete")

    assert (done.status_code, done.json()["done_at"]) == (200, done.json()["created_at"])


async def test_me_answers_who_the_caller_is(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.get("/me")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() | {"name": "Alex", "role": "admin"} == answer.json()
    assert answer.json()["team"] == {"id": team.id, "name": f"Team of {team.id}"}


async def test_in_a_single_team_the_database_knows_the_role(start_api: StartApi, postgres: Database) -> None:
    team = Team.made(postgres, "default", alex="admin", maria="member")
    api = await start_api(team_mode="single")
    roles = {}
    for name in ("alex", "maria"):
        client = await api.client(api.signer.session_token(f"user_{name}"))
        roles[name] = (await client.get("/me")).json()["role"]

    assert roles == team.roles
