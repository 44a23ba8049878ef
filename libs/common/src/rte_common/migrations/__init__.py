"""The schema's history: plain SQL beside each version, run by Alembic.

`.up.sql` (the first version has a file for each part) makes it, `.down.sql` unmakes it.
Expand first, contract in a later release: two versions of the services run side by side during a deploy.
"""

from pathlib import Path

from alembic import op


class NotConnected(Exception):
    """The database could not be reached, or let nobody in; the message says where, and why."""


class UnknownVersion(Exception):
    """The database is at a version that these migrations do not lead to; the message says which, and what to do."""


def run_sql(migration: str, part: str) -> None:
    """Run the file `.<part>.sql` beside the module `migration` (its `__file__`) in the migration's transaction."""
    sql = Path(migration).with_suffix(f".{part}.sql").read_text()
    connection = op.get_bind()
    # SQLAlchemy begins the transaction with its first statement; the script itself goes round it to asyncpg, because
    # a prepared statement cannot hold several.
    connection.exec_driver_sql("select 1")
    connection.connection.dbapi_connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]
