"""Every list finds its index among a million rows."""

import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

import orjson
import pytest

from rte_api import pagination
from rte_api.expectations import listing
from rte_api.expectations.listing import ListQuery
from rte_api.expectations.schemas import Status
from rte_common.auth import Member
from rte_common.database import connect
from rte_common.settings import DatabaseSettings
from rte_devstack.testing import Database

MAX_MILLISECONDS = 50
TEAM_SIZE = 10
EACH = 100
"""Expectations of a member: one active, a third of the others archived."""
NOW = datetime.now(UTC)
A_MONTH_AGO = NOW - timedelta(days=30)
PERIOD = {"from": A_MONTH_AGO.isoformat(), "to": (NOW - timedelta(days=7)).isoformat()}
CURSOR = pagination.encode((A_MONTH_AGO, UUID(int=2**127)))

USER = "user_1"  # of the team org_0
QUERIES = {
    "active": ListQuery(),
    "active of a member": ListQuery(user_id=USER),
    "active, next page": ListQuery(cursor=CURSOR),
    "history": ListQuery(status=Status.COMPLETED),
    "history, next page": ListQuery(status=Status.COMPLETED, cursor=CURSOR),
    "history in a period": ListQuery.model_validate({"status": "completed", **PERIOD}),
    "history of a member": ListQuery(status=Status.COMPLETED, user_id=USER),
    "history of a member in a period": ListQuery.model_validate({"status": "completed", "user_id": USER, **PERIOD}),
    "history of a member, next page": ListQuery(status=Status.COMPLETED, user_id=USER, cursor=CURSOR),
    "archive": ListQuery(status=Status.ARCHIVED),
    "archive of a member": ListQuery(status=Status.ARCHIVED, user_id=USER),
    "archive in a period": ListQuery.model_validate({"status": "archived", **PERIOD}),
    "all": ListQuery(status=Status.ALL),
    "all, next page": ListQuery(status=Status.ALL, cursor=CURSOR, limit=100),
    "all of a member": ListQuery(status=Status.ALL, user_id=USER),
    "all in a period": ListQuery.model_validate({"status": "all", **PERIOD}),
}


def fill(database: Database, teams: int) -> None:
    """Make teams of TEAM_SIZE members, each with EACH expectations; no triggers, which would take minutes."""
    database.execute(
        f"""
        set session_replication_role = replica;
        insert into teams (id, name) select 'org_' || n, 'Team ' || n from generate_series(0, {teams - 1}) n;
        insert into users (id, name) select 'user_' || n, 'User ' || n
            from generate_series(0, {teams * TEAM_SIZE - 1}) n;
        insert into memberships (team_id, user_id, role) select 'org_' || n / {TEAM_SIZE}, 'user_' || n, 'member'
            from generate_series(0, {teams * TEAM_SIZE - 1}) n;
        insert into expectations (team_id, user_id, title, is_done, done_at, archived_at, created_at)
            select 'org_' || u / {TEAM_SIZE}, 'user_' || u, 'Expectation ' || n, n > 0,
                case when n > 0 then now() - n * interval '36 h' + interval '1 h' end,
                case when n > {EACH} * 2 / 3 then now() end,
                now() - n * interval '36 h' - u % {TEAM_SIZE} * interval '1 s'
            from generate_series(0, {EACH - 1}) n, generate_series(0, {teams * TEAM_SIZE - 1}) u;
        vacuum analyze teams, users, memberships, expectations;
        """
    )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.fixture(
    params=[
        pytest.param(100, id="100,000 rows"),
        pytest.param(1000, id="1,000,000 rows", marks=pytest.mark.nightly),
    ]
)
def teams(request: pytest.FixtureRequest, postgres: Database) -> int:
    """How many teams there are."""
    fill(postgres, request.param)
    return int(request.param)


VARIABLES = ("team", "member", "since", "until", "last_at", "last_id", "most")
PREPARE = "prepare list (text, text, timestamptz, timestamptz, timestamptz, uuid, integer) as "
EXPLAIN = (
    f"explain (format json) execute list('org_0', '{USER}', '-infinity', 'infinity', now(), gen_random_uuid(), 51)"
)

INDEXES = [
    "expectations_active",
    "expectations_active",
    "expectations_history",
    "expectations_history_by_user",
    "expectations_archived",
    "expectations_archived_by_user",
    "expectations_all",
    "expectations_all_by_user",
]
"""Of the statements, in their order."""


def statements(postgres: Database) -> list[str]:
    """The queries in rte.list_expectations, with parameters instead of its variables."""
    numbers = {name: f"${number}" for number, name in enumerate(VARIABLES, 1)}
    source = postgres.execute("select prosrc from pg_proc where proname = 'list_expectations'")
    found = re.findall(r"return query (select .*?);", source, re.DOTALL)
    return [re.sub(rf"\b({'|'.join(VARIABLES)})\b", lambda name: numbers[name[1]], query) for query in found]


async def test_every_list_is_quick_and_scans_no_table(postgres: Database, teams: int) -> None:
    member = Member(USER, "org_0", "member", "sess_1", 0)
    used: list[set[str]] = []
    seconds: dict[str, float] = {}
    async with connect(DatabaseSettings(database_url=postgres.url("rte_api")), application_name="plans") as database:
        for query in statements(postgres):
            async with database.acting_as(member, read_only=True) as connection:
                await connection.execute(PREPARE + query)
                explained = await connection.fetchval(EXPLAIN)
                await connection.execute("deallocate list")
            plan = list(nodes(orjson.loads(explained)[0]["Plan"]))
            assert not {"Seq Scan", "Sort"} & {node["Node Type"] for node in plan}, plan
            used.append({node.get("Index Name", "") for node in plan})
        for name, list_query in QUERIES.items():
            taken = []
            for _ in range(40):
                team = random.randrange(teams)
                other = Member(f"user_{team * TEAM_SIZE}", f"org_{team}", "member", "sess_1", 0)
                started = time.perf_counter()
                await listing.page(database, other, list_query)
                taken.append(time.perf_counter() - started)
            seconds[name] = quantiles(taken, n=20)[-1]

    assert len(used) == len(INDEXES)
    assert [index for index, names in zip(INDEXES, used, strict=True) if index not in names] == []
    assert {name: s for name, s in seconds.items() if s * 1000 >= MAX_MILLISECONDS} == {}
