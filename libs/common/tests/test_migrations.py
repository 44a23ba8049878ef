"""The schema can be made, unmade and made again, and says the same as the tables' declarations."""

from rte_common import migrate
from rte_devstack.postgres import psql


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


def test_every_table_has_row_level_security(postgres: object, postgres_server: str) -> None:
    open_tables = psql(
        postgres_server,
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' and not relrowsecurity",
    )

    assert open_tables == ""
