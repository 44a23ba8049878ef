"""Exports: a member's own expectations as a file in the bucket `exports`. Asked for at the api, made here."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError
from storage3 import AsyncStorageClient

from rte_common.database import Connection, Database
from rte_common.jetstream import MAX_DELIVERIES, Poison
from rte_common.storage import EXPORTS

log = structlog.get_logger(__name__)

PAGE = 1000
KEPT_DAYS = 7
GIVEN_UP_AFTER = timedelta(hours=1)
COLUMNS = ("id", "title", "estimated_completion", "is_done", "done_at", "archived_at", "created_at", "updated_at")
PAGE_OF_EXPECTATIONS = f"""
    select {", ".join(COLUMNS)} from expectations
    where team_id = $1 and user_id = $2 and ($3::timestamptz is null or (created_at, id) > ($3, $4::uuid))
    order by created_at, id limit {PAGE}
"""  # noqa: S608  # the names are above
MEDIA_TYPES = {"csv": "text/csv", "json": "application/json"}


class Request(BaseModel):
    """The message that the row of a new export writes."""

    export_id: UUID


class Exports:
    """Makes the files."""

    def __init__(self, database: Database, storage: AsyncStorageClient) -> None:
        self._database = database
        self._bucket = storage.from_(EXPORTS)

    async def handle(self, message: Msg) -> None:
        """Make the export that `message` asks for. After the last attempt the member reads that it failed."""
        try:
            export_id = Request.model_validate_json(message.data).export_id
        except ValidationError as error:
            raise Poison("no export is named") from error
        try:
            await self.make(export_id)
        except Exception:
            if message.metadata.num_delivered >= MAX_DELIVERIES:
                await self._finish(export_id, "failed", None)
            raise

    async def make(self, export_id: UUID) -> None:
        """Write the file and mark the export ready. Made again, the same object is replaced."""
        async with self._database.as_service() as connection:
            export = await connection.fetchrow(
                "update exports set status = 'running', progress = 0"
                " where id = $1 and status in ('requested', 'running') returning id, team_id, user_id, format",
                export_id,
            )
        if export is None:
            log.info("export_not_wanted", export_id=str(export_id))
            return
        body = await self._written(export_id, export)
        path = _path(export)
        options = {"content-type": MEDIA_TYPES[export["format"]], "upsert": "true"}
        await self._bucket.upload(path, body, options)  # type: ignore[arg-type]
        await self._finish(export_id, "ready", path)

    async def _written(self, export_id: UUID, export: Any) -> bytes:
        rows: list[dict[str, Any]] = []
        async with self._database.as_service(writes=False) as connection:
            total = await connection.fetchval(
                "select count(*) from expectations where team_id = $1 and user_id = $2",
                *(export["team_id"], export["user_id"]),
            )
        async for page in self._pages(export["team_id"], export["user_id"]):
            rows += page
            await self._progress(export_id, min(99, 100 * len(rows) // max(1, total)))
        return as_csv(rows) if export["format"] == "csv" else as_json(rows)

    async def _pages(self, team_id: str, user_id: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The member's expectations, oldest first. Between pages no connection is held: the pool may have only one."""
        after: tuple[datetime | None, UUID | None] = (None, None)
        while True:
            async with self._database.as_service(writes=False) as connection:
                rows = await connection.fetch(PAGE_OF_EXPECTATIONS, team_id, user_id, *after)
            if not rows:
                return
            yield [dict(row) for row in rows]
            after = rows[-1]["created_at"], rows[-1]["id"]

    async def _progress(self, export_id: UUID, percent: int) -> None:
        async with self._database.as_service() as connection:
            await connection.execute("update exports set progress = $2 where id = $1", export_id, percent)

    async def _finish(self, export_id: UUID, status: str, path: str | None) -> None:
        async with self._database.as_service() as connection:
            await connection.execute(
                "update exports set status = $2, object_path = $3, finished_at = now(),"
                " progress = case $2 when 'ready' then 100 else progress end"
                " where id = $1 and status in ('requested', 'running')",
                *(export_id, status, path),
            )
        log.info("export_finished", export_id=str(export_id), status=status)

    async def forget_old(self, connection: Connection, now: datetime) -> int:
        """Delete exports after KEPT_DAYS with their files; returns how many.

        The rows are locked by their deletion, the files go, and then it is committed. If that ends early, the rows are
        back without their files, which the api says, and the next run removes what is left; a file is never left over.
        """
        old = await connection.fetch(
            "delete from exports where created_at < $1::timestamptz - make_interval(days => $2)"
            " returning id, team_id, user_id, format",
            *(now, KEPT_DAYS),
        )
        paths = [_path(row) for row in old]  # also of failed ones: they may have failed after the upload
        for start in range(0, len(paths), PAGE):
            await self._bucket.remove(paths[start : start + PAGE])
        return len(old)


async def give_up(connection: Connection, now: datetime) -> int:
    """Fail exports that nothing has moved for GIVEN_UP_AFTER, or their members could not ask again; returns how many.

    The last delivery fails its export itself, unless the database is away or the process dies.
    """
    status = await connection.execute(
        "update exports set status = 'failed', finished_at = now()"
        " where status in ('requested', 'running') and updated_at < $1::timestamptz - $2::interval",
        *(now, GIVEN_UP_AFTER),
    )
    return int(status.removeprefix("UPDATE "))


def _path(export: asyncpg.Record) -> str:
    """Made of ids: the member's rights end at the api, which signs links for the owner only."""
    return f"{export['team_id']}/{export['user_id']}/{export['id']}.{export['format']}"


def as_json(rows: list[dict[str, Any]]) -> bytes:
    """A JSON array of objects; times in RFC 3339."""
    return orjson.dumps(rows, default=str, option=orjson.OPT_INDENT_2)  # asyncpg's UUIDs are a class of its own


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    """CSV with a header, in UTF-8 with a byte order mark, which spreadsheets need to see that it is.

    A title that begins like a formula gets an apostrophe in front, or a spreadsheet would run it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in COLUMNS])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
