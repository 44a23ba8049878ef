"""A member's own expectations become a file, whatever fails on the way, and nobody else's are in it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from storage3 import AsyncStorageClient

from rte_common import database, storage
from rte_common.database import Database
from rte_common.jetstream import MAX_DELIVERIES
from rte_common.storage import EXPORTS
from rte_common.tables import Export, User
from rte_devstack import testing
from rte_devstack.serving import serving
from rte_jobs.exports import Exports, _cell, give_up
from rte_jobs.main import create_app
from rte_jobs.settings import Settings

from .conftest import Add

EXPORT = UUID("7b0f7f3e-6d56-4f0a-9d0e-6a1f5b2f7c11")
ROWS = """
insert into users (id, name) values ('anna', 'Anna'), ('ben', 'Ben');
insert into expectations (team_id, user_id, title, is_done, done_at)
select 'default', 'anna', 'Done ' || n, true, clock_timestamp() from generate_series(1, 2500) as n;
insert into expectations (team_id, user_id, title) values
    ('default', 'anna', '=HYPERLINK("http://example.com")'), ('default', 'ben', 'Not hers');
delete from outbox;
"""


def asked_for(format_: str) -> str:
    """SQL of an export that Anna asked for."""
    return f"insert into exports (id, team_id, user_id, format) values ('{EXPORT}', 'default', 'anna', '{format_}');"


async def test_an_export_that_was_asked_for_is_made(
    postgres: testing.Database, settings: Settings, files: AsyncStorageClient
) -> None:
    postgres.execute(ROWS)
    async with serving(create_app(settings)):
        postgres.execute(asked_for("json"))
        await postgres.until("select status, progress from exports", "ready|100")

    path = postgres.execute("select object_path from exports")
    made = json.loads(await files.from_(EXPORTS).download(path))
    assert path == f"default/anna/{EXPORT}.json"
    assert len(made) == 2501
    assert {row["title"] for row in made} == {f"Done {n}" for n in range(1, 2501)} | {
        '=HYPERLINK("http://example.com")'
    }


async def test_a_csv_opens_in_a_spreadsheet_and_runs_nothing(
    postgres: testing.Database, db: Database, files: AsyncStorageClient
) -> None:
    postgres.execute(ROWS + asked_for("csv"))
    exports = Exports(db, files)

    await exports.make(EXPORT)

    body = await files.from_(EXPORTS).download(postgres.execute("select object_path from exports"))
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) == 2501
    assert rows[-1]["title"] == '\'=HYPERLINK("http://example.com")'


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("a;=1+1", "a;'=1+1"),
        ("a\t=1+1", "a\t'=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        (" =1+1", " '=1+1"),
        ("\u200b=1+1", "\u200b'=1+1"),
        ("\ufeff@x", "\ufeff'@x"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("a=b; c - d", "a=b; c - d"),
        ("e-mail @ home, 2 + 2", "e-mail @ home, 2 + 2"),
    ],
)
def test_no_cell_begins_a_formula_wherever_a_spreadsheet_divides(title: str, cell: str) -> None:
    assert _cell(title) == cell


def test_a_time_has_the_form_that_spreadsheets_take_for_one() -> None:
    assert _cell(datetime(2030, 1, 31, 17, 0, 5, 123456, timezone(timedelta(hours=1)))) == "2030-01-31 16:00:05"


@pytest.mark.parametrize("format_", ["json", "csv"])
async def test_an_export_of_nothing_has_no_rows(
    format_: str, postgres: testing.Database, db: Database, files: AsyncStorageClient, add: Add
) -> None:
    await add(User(id="anna", name="Anna"), Export(id=EXPORT, team_id="default", user_id="anna", format=format_))

    await Exports(db, files).make(EXPORT)

    body = (await files.from_(EXPORTS).download(f"default/anna/{EXPORT}.{format_}")).decode("utf-8-sig")
    assert (json.loads(body) if format_ == "json" else list(csv.DictReader(io.StringIO(body)))) == []


async def test_an_export_made_twice_stays_ready(
    postgres: testing.Database, db: Database, files: AsyncStorageClient
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    exports = Exports(db, files)

    for _ in range(2):
        await exports.make(EXPORT)

    assert postgres.execute("select status from exports") == "ready"


async def test_while_storage_is_away_an_export_stays_unfinished_and_is_made_later(
    postgres: testing.Database, db: Database, files: AsyncStorageClient, settings: Settings
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    async with storage.connect(settings.model_copy(update={"supabase_url": "http://127.0.0.1:1"})) as away:
        with pytest.raises(httpx.ConnectError):
            await Exports(db, away).make(EXPORT)
    assert postgres.execute("select status from exports") == "running"

    await Exports(db, files).make(EXPORT)
    assert postgres.execute("select status from exports") == "ready"


async def test_after_a_week_file_and_row_are_gone(
    postgres: testing.Database, db: Database, files: AsyncStorageClient
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    exports = Exports(db, files)
    await exports.make(EXPORT)
    postgres.execute("update exports set created_at = now() - interval '8 days'")

    assert await forget(db, exports) == 1

    assert postgres.execute("select count(*) from exports") == "0"
    assert await files.from_(EXPORTS).list("default/anna") == []


async def test_an_export_is_made_with_a_single_connection(
    postgres: testing.Database, files: AsyncStorageClient, settings: Settings
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    lonely = settings.model_copy(update={"database_pool_size": 1, "database_timeout_seconds": 3})
    async with database.connect(lonely, application_name="test") as db:
        await Exports(db, files).make(EXPORT)

    assert postgres.execute("select status, progress from exports") == "ready|100"


def delivery(attempt: int) -> Msg:
    """The message of the export as NATS brings it when `attempt` - 1 attempts have failed."""
    return Msg(
        Client(),
        "rte.jobs.export",
        reply=f"$JS.ACK.JOBS.jobs-export.{attempt}.1.1.1700000000000000000.0",
        data=orjson.dumps({"export_id": str(EXPORT)}),
    )


async def test_after_the_last_attempt_an_export_that_never_began_has_failed_and_another_may_be_asked_for(
    postgres: testing.Database, db: Database, files: AsyncStorageClient
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    postgres.execute("alter table exports add constraint nothing_runs check (status <> 'running')")
    statuses = []
    try:
        for attempt in (MAX_DELIVERIES - 1, MAX_DELIVERIES):
            with pytest.raises(asyncpg.CheckViolationError):
                await Exports(db, files).handle(delivery(attempt))
            statuses.append(postgres.execute("select status from exports"))
    finally:
        postgres.execute("alter table exports drop constraint nothing_runs")

    assert statuses == ["requested", "failed"]
    postgres.execute("insert into exports (team_id, user_id, format) values ('default', 'anna', 'csv')")


async def test_exports_that_nothing_moves_are_given_up_after_an_hour(
    postgres: testing.Database, db: Database, add: Add
) -> None:
    for user, status, minutes in (("anna", "requested", 61), ("ben", "running", 61), ("cleo", "running", 59)):
        moved_at = datetime.now(UTC) - timedelta(minutes=minutes)
        await add(
            User(id=user, name=user),
            Export(team_id="default", user_id=user, format="csv", status=status, updated_at=moved_at),
        )

    async with db.as_service() as connection:
        assert await give_up(connection, datetime.now(UTC)) == 2

    statuses = postgres.execute("select user_id, status from exports order by 1")
    assert statuses.splitlines() == ["anna|failed", "ben|failed", "cleo|running"]


async def test_a_forgotten_export_is_given_up_when_jobs_comes_back(
    postgres: testing.Database, settings: Settings, add: Add
) -> None:
    moved_at = datetime.now(UTC) - timedelta(hours=2)
    await add(
        User(id="anna", name="Anna"),
        Export(team_id="default", user_id="anna", format="csv", status="running", updated_at=moved_at),
    )
    postgres.execute("delete from outbox")
    async with serving(create_app(settings)):
        await postgres.until("select status from exports", "failed")


async def test_an_old_export_keeps_its_row_until_its_file_is_gone(
    postgres: testing.Database, db: Database, files: AsyncStorageClient, settings: Settings
) -> None:
    postgres.execute(ROWS + asked_for("json"))
    await Exports(db, files).make(EXPORT)
    # Given up by others after the file was there, so the row does not name it.
    postgres.execute("update exports set status = 'failed', object_path = null, created_at = now() - interval '8 days'")
    async with storage.connect(settings.model_copy(update={"supabase_url": "http://127.0.0.1:1"})) as away:
        with pytest.raises(httpx.ConnectError):
            await forget(db, Exports(db, away))
    kept = postgres.execute("select count(*) from exports")
    await forget(db, Exports(db, files))

    assert (kept, postgres.execute("select count(*) from exports")) == ("1", "0")
    assert await files.from_(EXPORTS).list("default/anna") == []


async def forget(db: Database, exports: Exports) -> int:
    """The daily job, without its slot."""
    async with db.as_service() as connection:
        return await exports.expire(connection, datetime.now(UTC))
