"""Exports, in SQL that runs as the member: the table's policy shows each only their own."""

from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import asyncpg
from storage3 import AsyncStorageClient

from rte_api import idempotency, pagination
from rte_api.exports.schemas import NewExport
from rte_api.idempotency import Created
from rte_api.members.service import MemberNotYetKnown
from rte_api.storage import storage_errors
from rte_common.auth import Member
from rte_common.database import Connection, Database
from rte_common.problems import Problem
from rte_common.storage import EXPORTS

LINK_SECONDS = 300
COLUMNS = "id::text as id, format, status, progress, created_at, finished_at"
ASK = f"""
    insert into exports (team_id, user_id, format) values ($1, $2, $3)
    on conflict (team_id, user_id) where status in ('requested', 'running') do nothing
    returning {COLUMNS}
"""  # noqa: S608


class ExportInProgress(Problem):
    """The member's export before is not finished yet"""

    type = "export-in-progress"


class ExportNotFound(Problem):
    """The member has no such export"""

    type = "not-found"

    def __init__(self) -> None:
        super().__init__("You have no export with this id: they are deleted after a week, ask for another")


async def ask(database: Database, member: Member, new: NewExport, key: str | None) -> Created:
    """Ask for an export; the row's trigger sends the work to jobs."""
    request = idempotency.fingerprint("ask_for_export", new.model_dump_json())
    try:
        async with database.acting_as(member) as connection:
            return await idempotency.once(connection, member, key, request, lambda: _insert(connection, member, new))
    except asyncpg.ForeignKeyViolationError as error:
        raise MemberNotYetKnown from error


async def _insert(connection: Connection, member: Member, new: NewExport) -> Created:
    row = await connection.fetchrow(ASK, member.team_id, member.id, new.format)
    if row is None:
        raise ExportInProgress("Wait for it: GET /api/v1/exports shows how far it is")
    return Created.at("exports", dict(row))


async def page(database: Database, member: Member, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the member's exports, newest first."""
    at, after = pagination.decode(cursor) if cursor else (None, None)
    async with database.acting_as(member, read_only=True) as connection:
        rows = await connection.fetch(
            f"""
            select {COLUMNS} from exports where team_id = $1 and user_id = $2
            and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
            order by created_at desc, exports.id desc limit $5
            """,  # noqa: S608
            member.team_id,
            member.id,
            at,
            after,
            limit + 1,
        )
    return pagination.page([dict(row) for row in rows], limit, "created_at")


async def read(database: Database, storage: AsyncStorageClient, member: Member, export_id: UUID) -> dict[str, Any]:
    """One export of the member, with a link to its file when it is ready."""
    async with database.acting_as(member, read_only=True) as connection:
        row = await connection.fetchrow(f"select {COLUMNS}, object_path from exports where id = $1", export_id)  # noqa: S608
    if row is None:
        raise ExportNotFound
    export = dict(row)
    path = export.pop("object_path")
    return export | {"url": await _link(storage, path, f"expectations-{row['created_at']:%Y-%m-%d}") if path else None}


async def _link(storage: AsyncStorageClient, path: str, name: str) -> str:
    """A link under which browsers save the file as `name`."""
    saved_as = f"{name}{PurePosixPath(path).suffix}"
    with storage_errors(not_found=ExportNotFound):
        signed = await storage.from_(EXPORTS).create_signed_url(path, LINK_SECONDS, {"download": saved_as})
    return str(signed["signedURL"])
