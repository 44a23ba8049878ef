"""The schema can be made, unmade and made again, and says the same as the tables' declarations."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rte_common import migrate, migrations
from rte_devstack.postgres import psql

VERSIONS = Path(migrations.__file__).parent / "versions"


def run(url: str) -> tuple[int, str, str]:
    """Run the command; its exit code, and what it printed."""
    environment = os.environ | {"MIGRATION_DATABASE_URL": url}
    command = [sys.executable, "-m", "rte_common.migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_each_version_can_be_taken_back_and_made_again(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    made = psql(empty_database, "select count(*) from information_schema.tables where table_schema = 'public'")
    migrate.downgrade(empty_database, "base")
    left = psql(
        empty_database, "select count(*) from information_schema.tables where table_schema in ('public', 'auth')"
    )
    migrate.upgrade(empty_database)

    assert int(made) >= 7
    assert left == "0"


FUNCTIONS = """
    select proname, md5(pg_get_functiondef(oid)) from pg_proc where pronamespace = 'rte'::regnamespace order by proname
"""


def test_what_a_version_replaced_its_downgrade_brings_back(empty_database: str) -> None:
    versions = sorted(file.name[:4] for file in VERSIONS.glob("0*.py"))
    before = {}
    for version in versions:
        migrate.upgrade(empty_database, version)
        before[version] = psql(empty_database, FUNCTIONS)

    assert len({*before.values()}) > 1
    for version in reversed(versions):
        migrate.downgrade(empty_database, version)
        assert psql(empty_database, FUNCTIONS) == before[version]


def test_every_table_has_row_level_security(postgres: object, postgres_server: str) -> None:
    open_tables = psql(
        postgres_server,
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and not relrowsecurity",
    )

    assert open_tables == ""


def test_the_command_says_which_versions_there_were_and_are(empty_database: str) -> None:
    first, second = run(empty_database), run(empty_database)

    newest = psql(empty_database, "select version_num from rte.alembic_version")
    assert first == (0, f"the schema is at version {newest}, and was empty\n", "")
    assert second == (0, f"the schema is at version {newest}, as before\n", "")


def test_a_version_that_the_code_does_not_know_is_one_line(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    psql(empty_database, "update rte.alembic_version set version_num = '0003'")

    code, out, err = run(empty_database)

    assert (code, out) == (1, "")
    assert err.startswith("error: the schema is at version 0003, which this code does not know: ")
    assert err.count("\n") == 1


def test_a_url_may_say_how_to_encrypt_as_a_services_may(empty_database: str) -> None:
    assert run(f"{empty_database}?sslmode=prefer")[0] == 0

    code, _, refused = run(f"{empty_database}?sslmode=require")

    assert code == 1  # the server has no certificate
    assert "SSL" in refused


@pytest.mark.parametrize("change", [("postgres:", "nobody:"), ("/empty", "/no-such-database")])
def test_a_database_that_lets_nobody_in_is_one_line(empty_database: str, change: tuple[str, str]) -> None:
    code, out, err = run(empty_database.replace(*change, 1))

    assert (code, out) == (1, "")
    assert err.startswith("error: no connection to 127.0.0.1:")
    assert err.count("\n") == 1


def test_a_database_that_is_away_is_one_line_without_the_password(reserve_port: Callable[[], int]) -> None:
    port = reserve_port()

    code, out, err = run(f"postgresql://owner:open-sesame@127.0.0.1:{port}/postgres")

    assert (code, out) == (1, "")
    assert err.startswith(f"error: no connection to 127.0.0.1:{port} as owner: ")
    assert err.endswith("check MIGRATION_DATABASE_URL\n")
    assert err.count("\n") == 1
    assert "open-sesame" not in err
