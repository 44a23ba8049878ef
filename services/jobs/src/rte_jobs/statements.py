"""Statements made of the tables' classes: SQLModel writes the SQL, the transaction's own connection runs it.

So the pool, the transactions and the errors are those of `rte_common.database`, also behind a pooler. Why no SQLModel
session: docs/decisions/0001-tables-are-sqlmodel-classes.md.
"""

from typing import Any

from asyncpg import Record
from sqlalchemy import URL
from sqlalchemy.sql import Select
from sqlalchemy.sql.dml import UpdateBase

from rte_common.database import Connection

DIALECT = URL.create("postgresql+asyncpg").get_dialect()()
"""Numbers the parameters, $1, as asyncpg takes them."""


async def fetch(connection: Connection, statement: Select[Any] | UpdateBase) -> list[Record]:
    """Run a statement and return its rows, named like the columns: `Export(**row)`."""
    sql, arguments = _compiled(statement)
    return await connection.fetch(sql, *arguments)


async def execute(connection: Connection, change: UpdateBase) -> int:
    """Make a change and return the number of rows that it met."""
    sql, arguments = _compiled(change)
    status = await connection.execute(sql, *arguments)
    return int(status.rpartition(" ")[2])


def _compiled(statement: Select[Any] | UpdateBase) -> tuple[str, list[Any]]:
    # The values stay as they are: asyncpg encodes them by the column's type, jsonb with the codec of the pool.
    compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    names = compiled.positiontup
    return compiled.string, [compiled.params[name] for name in names or ()]
