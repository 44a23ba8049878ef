"""Row level security holds whatever the statement says, and nothing of one transaction is left for the next."""

import asyncio
import json

import asyncpg
import pytest

from rte_common.database import Database
from rte_devstack import testing

from .conftest import member

ONE_EACH = """
insert into expectations (team_id, user_id, title) values
    ('red', 'anna', 'Anna''s'), ('red', 'ben', 'Ben''s'), ('blue', 'cleo', 'Cleo''s');
"""


async def test_a_select_without_where_returns_the_callers_team_only(
    teams: testing.Database, api_database: Database
) -> None:
    teams.execute(ONE_EACH)
    async with api_database.acting_as(member("anna")) as connection:
        titles = {row["title"] for row in await connection.fetch("select * from expectations")}
        names = {row["name"] for row in await connection.fetch("select name from users")}

    assert titles == {"Anna's", "Ben's"}
    assert names == {"Anna", "Ben"}


async def test_outside_a_members_transaction_the_api_sees_no_row_at_all(
    teams: testing.Database, api_database: Database
) -> None:
    teams.execute(ONE_EACH)
    async with api_database.acting_as(member("anna")) as connection:
        await connection.fetch("select * from expectations")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with api_database.as_service() as connection:
            await connection.fetch("select * from expectations")


LIST = "rte.list_expectations($1, 'all', null, '-infinity', 'infinity', 'infinity', gen_random_uuid(), 10)"


async def test_a_function_called_as_a_member_sees_their_team_and_leaves_nothing_of_them_behind(
    teams: testing.Database, api_database: Database
) -> None:
    teams.execute(ONE_EACH)
    items = await api_database.call_as(member("anna"), LIST)
    async with api_database.as_service() as connection:
        left = await connection.fetchrow(
            "select current_user::text, coalesce(current_setting('request.jwt.claims', true), '')"
        )

    assert {json.loads(item)["title"] for item in items} == {"Anna's", "Ben's"}
    assert left is not None
    assert tuple(left) == ("rte_api", "")


async def test_a_member_changes_only_what_is_theirs(teams: testing.Database, api_database: Database) -> None:
    teams.execute(ONE_EACH)
    async with api_database.acting_as(member("ben")) as connection:
        status = await connection.execute("update expectations set title = 'Mine now'")

    assert status == "UPDATE 1"
    assert teams.execute("select count(*) from expectations where title = 'Mine now' and user_id = 'ben'") == "1"


async def test_nobody_writes_for_another_team(teams: testing.Database, api_database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with api_database.acting_as(member("anna")) as connection:
            await connection.execute("insert into expectations (team_id, user_id, title) values ('blue', 'anna', 'Hi')")


async def test_the_api_cannot_read_addresses(teams: testing.Database, api_database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with api_database.acting_as(member("anna")) as connection:
            await connection.fetch("select email from users")


async def test_a_claim_with_quotes_stays_a_claim(teams: testing.Database, api_database: Database) -> None:
    async with api_database.acting_as(member("o'; drop table teams; --\\")) as connection:
        assert await connection.fetchval("select auth.jwt()->>'sub'") == "o'; drop table teams; --\\"


async def test_an_error_rolls_back_and_the_connection_serves_on(
    teams: testing.Database, api_database: Database
) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with api_database.acting_as(member("anna")) as connection:
            await connection.execute(
                "insert into expectations (team_id, user_id, title) values ('red', 'anna', 'Hi'); select 1 / 0"
            )

    async with api_database.acting_as(member("anna"), read_only=True) as connection:
        assert await connection.fetchval("select count(*) from expectations") == 0


async def test_a_transaction_that_could_not_begin_spoils_no_other(
    teams: testing.Database, api_database: Database
) -> None:
    teams.execute("revoke authenticated from rte_api")
    try:
        for _ in range(10):  # more than the pool has connections
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with api_database.acting_as(member("anna")):
                    pass
    finally:
        teams.execute("grant authenticated to rte_api")

    async with api_database.acting_as(member("anna")) as connection:
        assert await connection.fetchval("select 1") == 1


RULES = {
    "one_active_expectation": "insert into expectations (team_id, user_id, title) values ('red', 'anna', 'Second')",
    "title_length": "update expectations set title = '   '",
    "estimated_completion_in_future": "update expectations set estimated_completion = now() - interval '1 second'",
    "done_has_time": "update expectations set is_done = true",
    "done_after_created": "update expectations set is_done = true, done_at = created_at - interval '1 second'",
    "archived_is_done": "update expectations set archived_at = now()",
    "expectation_keeps_its_owner": "update expectations set user_id = 'ben'",
}


@pytest.mark.parametrize("rule", RULES)
async def test_the_database_itself_refuses(rule: str, teams: testing.Database) -> None:
    connection = await asyncpg.connect(teams.url())
    try:
        await connection.execute("insert into expectations (team_id, user_id, title) values ('red', 'anna', 'First')")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(RULES[rule])
    finally:
        await connection.close()
    assert refused.value.constraint_name == rule


@pytest.mark.parametrize("change", ["update expectations set title = 'Rewritten'", "delete from expectations"])
async def test_history_stays_as_it_was(change: str, teams: testing.Database) -> None:
    connection = await asyncpg.connect(teams.url())
    try:
        await connection.execute(
            "insert into expectations (team_id, user_id, title, is_done, done_at)"
            " values ('red', 'anna', 'Done', true, clock_timestamp())"
        )
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute(change)
    finally:
        await connection.close()
    assert refused.value.constraint_name == "expectation_is_history"


async def test_a_transaction_that_is_cancelled_at_any_moment_is_undone_and_its_connection_not_used_again(
    teams: testing.Database, api_database: Database
) -> None:
    insert = "insert into expectations (team_id, user_id, title) values ('red', 'anna', 'undone')"

    async def publish() -> None:
        async with api_database.acting_as(member("anna")) as connection:
            await connection.execute(insert)
            await connection.fetch("select pg_sleep(2)")  # the server sleeps on, and holds its locks

    for turns in range(60):
        task = asyncio.create_task(publish())
        for _ in range(turns):  # each turn of the loop takes the transaction a step further
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with api_database.acting_as(member("anna")) as connection:
            assert await connection.fetchval("select count(*) from expectations") == 0
