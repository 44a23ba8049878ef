"""Behind a transaction-mode pooler everything works as before."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rte_devstack.testing import PASSWORD, Database

from .pooler import PROGRAM, PgBouncer
from .running import StartApi, Team

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(not Path(PROGRAM).exists(), reason="pgbouncer is not installed (Debian: pgbouncer)")


@pytest.fixture
def pooler(postgres: Database, reserve_port: Callable[[], int], devstack_folder: Path) -> Iterator[PgBouncer]:
    """A pooler of the test's own."""
    with PgBouncer(devstack_folder / "pooler", reserve_port(), postgres.url(), {"rte_api": PASSWORD}) as pooler:
        yield pooler


async def test_many_members_at_once_over_three_connections_see_their_own_team_only(
    start_api: StartApi, pooler: PgBouncer, postgres: Database
) -> None:
    api = await start_api(database_url=pooler.url("rte_api"), database_pool_size=12)
    teams = [Team.made(postgres, **{f"m{n}": "member"}) for n in range(12)]
    members = [await api.member(team, f"m{n}") for n, team in enumerate(teams)]

    async def day(n: int) -> None:
        for turn in range(5):
            published = await members[n].post("/expectations", json={"title": f"{n}.{turn}"})
            assert published.status_code == 201, published.text
            listed = (await members[n].get("/expectations", params={"limit": turn + 1})).json()["items"]
            assert [item["title"] for item in listed] == [f"{n}.{turn}"]
            done = await members[n].post(f"/expectations/{published.json()['id']}/complete")
            assert done.status_code == 200, done.text

    await asyncio.gather(*(day(n) for n in range(12)))

    assert postgres.execute("select count(*), count(distinct team_id) from expectations") == "60|12"


@pytest.mark.nightly
@pytest.mark.timeout(900)
async def test_the_whole_suite_passes_behind_the_pooler() -> None:
    command = [sys.executable, "-m", "pytest", str(HERE), "-q", "-x", "-m", "not nightly", "-p", "no:cacheprovider"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"TEST_POOLER": "pgbouncer"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
