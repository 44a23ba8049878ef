"""Colleagues act as people do, and whatever happens to the stack they go on."""

import random
from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest
from structlog.testing import capture_logs

from rte_common.settings import TeamMode
from rte_devstack import demo, demo_live
from rte_devstack.demo_live import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS, Colleague
from rte_devstack.stack import Stack

ACTS = 60
"""Enough for each kind of act, whatever the dice say."""


class Enough(Exception):
    """The test has seen enough."""


async def test_a_colleague_publishes_moves_and_finishes_as_themselves(stack: Stack) -> None:
    clerk_url, api_url = stack.url("clerk"), stack.url("traefik")
    async with httpx.AsyncClient(trust_env=False) as http:
        david = Colleague(http, demo.DAVID, clerk_url, api_url, random.Random(1))
        acts = [await david.act() for _ in range(ACTS)]
        token = (await http.post(f"{clerk_url}/devstack/tokens", json={"member": "david"})).json()["token"]
        headers, url = {"authorization": f"Bearer {token}"}, f"{api_url}/api/v1/expectations"
        query = {"user_id": "me", "status": "all", "limit": "100"}
        done, *_ = listed = (await http.get(url, params=query, headers=headers)).json()["items"]
        if not done["is_done"]:  # other tests publish as David
            await http.delete(f"{url}/{done['id']}", headers=headers)

    assert {*acts} == {"published", "moved", "finished"}
    published = listed[: acts.count("published")]
    assert {each["title"] for each in published} <= {*demo.DAVID.work.titles}
    assert sum(each["version"] - 1 for each in published) == acts.count("moved") + acts.count("finished")


async def test_what_fails_is_tried_again_by_somebody_else_after_a_pause(reserve_port: Callable[[], int]) -> None:
    nobody = f"http://127.0.0.1:{reserve_port()}"
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 20:
            raise Enough

    chance = random.Random(1)
    async with httpx.AsyncClient(trust_env=False) as http:
        colleagues = demo_live.colleagues_of(http, nobody, nobody, TeamMode.SINGLE, chance)
        with capture_logs() as logged, pytest.raises(Enough):
            await demo_live.act_for_good(colleagues, chance, pause)

    assert [entry["event"] for entry in logged] == ["colleague_hindered"] * 20
    who = [entry["member"] for entry in logged]
    assert {*who} == {demo.MARIA.id, demo.DAVID.id, demo.SOPHIA.id}
    assert all(one != other for one, other in pairwise(who))
    assert all(MIN_PAUSE_SECONDS <= seconds <= MAX_PAUSE_SECONDS for seconds in pauses)
    assert len({*pauses}) == len(pauses)
