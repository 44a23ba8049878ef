"""What nobody thought of is told to nobody but the operators, who find it by the id that the caller has."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from rte_devstack.testing import Database

from .running import PROBLEM, Api, Team

REQUEST_ID = "request-of-alex-1"


@pytest.fixture
def broken(postgres: Database) -> Iterator[None]:
    """A database in which lists fail, as after a botched migration."""
    postgres.execute("alter function rte.list_expectations rename to list_expectations_once")
    yield
    postgres.execute("alter function rte.list_expectations_once rename to list_expectations")


async def test_a_failure_has_the_request_id_in_its_answer_and_its_one_traceback(
    api: Api, team: Team, broken: None, devstack_folder: Path
) -> None:
    alex = await api.member(team, "alex")
    page = {"origin": api.signer.authorized_party, "x-request-id": REQUEST_ID}
    answer = await alex.get("/expectations", headers=page)
    lines = [line for line in (devstack_folder / "api.log").read_text().splitlines() if "Traceback" in line]

    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "/problems/unexpected"
    assert answer.headers["x-request-id"] == REQUEST_ID
    assert answer.headers["access-control-allow-origin"] == page["origin"]
    assert "list_expectations" not in answer.text
    assert [orjson.loads(line)["request_id"] for line in lines] == [REQUEST_ID]
    assert "UndefinedFunctionError" in lines[0]


async def test_pages_of_other_origins_cannot_read_a_failure(api: Api, team: Team, broken: None) -> None:
    alex = await api.member(team, "alex")
    answer: httpx.Response = await alex.get("/expectations", headers={"origin": "https://evil.example"})

    assert answer.status_code == 500
    assert "access-control-allow-origin" not in answer.headers
