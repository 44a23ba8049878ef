"""Exports: a member's own expectations as a file in the bucket `exports`. Asked for at the api, made here."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from asyncpg import Record
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError
from sqlalchemy import Select, select, tuple_
from sqlmodel import col, delete, func, update
from storage3 import AsyncStorageClient

from rte_common.database import Connection, Database
from rte_common.jetstream import MAX_DELIVERIES, Poison
from rte_common.storage import EXPORTS
from rte_common.tables import Expectation, Export
from rte_jobs.statements import execute, fetch

log = structlog.get_logger(__name__)

PAGE_ROWS = 2000
"""Rows fetched at a time: no more of a file are in memory."""
MAX_FILES_REMOVED = 1000
"""Files removed in one call: Supabase Storage takes no more."""
MAX_AGE_DAYS = 7
"""Age at which an export and its file are deleted."""
GIVEN_UP_AFTER = timedelta(hours=1)
COLUMNS = ("id", "title", "estimated_completion", "is_done", "done_at", "archived_at", "created_at", "updated_at")
TIMES = {"estimated_completion", "done_at", "archived_at", "created_at", "updated_at"}
CSV_HEAD = tuple(f"{name} (UTC)" if name in TIMES else name for name in COLUMNS)
UNFINISHED = col(Export.status).in_(("requested", "running"))


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
        begin = update(Export).where(col(Export.id) == export_id, UNFINISHED).values(status="running", progress=0)
        async with self._database.as_service() as connection:
            begun = await fetch(connection, begin.returning(Export))
        if not begun:
            log.info("export_not_wanted", export_id=str(export_id))
            return
        export = Export(**begun[0])
        body = await self._written(export)
        path = _path(export)
        options = {"content-type": FORMATS[export.format].media_type, "upsert": "true"}
        await self._bucket.upload(path, body, options)  # type: ignore[arg-type]
        await self._finish(export_id, "ready", path)

    async def _written(self, export: Export) -> bytes:
        """The file. A page is encoded when it comes, because rows take several times the memory of their text."""
        file_format = FORMATS[export.format]
        file = io.BytesIO()
        file.write(file_format.begin)
        done = 0
        async with self._database.as_service(writes=False) as connection:
            [[total]] = await fetch(connection, _expectations(export, func.count()))
        async for rows in self._pages(export):
            if done:
                file.write(file_format.between)
            file.write(file_format.encode(rows))
            done += len(rows)
            await self._progress(export.id, min(99, 100 * done // max(1, total)))
        file.write(file_format.end)
        return file.getvalue()

    async def _pages(self, export: Export) -> AsyncIterator[list[Record]]:
        """The member's expectations, oldest first. Between pages no connection is held: the pool may have only one."""
        place = tuple_(col(Expectation.created_at), col(Expectation.id))
        page = (
            _expectations(export, *(getattr(Expectation, name) for name in COLUMNS)).order_by(*place).limit(PAGE_ROWS)
        )
        after = None
        while True:
            async with self._database.as_service(writes=False) as connection:
                rows = await fetch(connection, page if after is None else page.where(place > after))
            if not rows:
                return
            yield rows
            after = rows[-1]["created_at"], rows[-1]["id"]

    async def _progress(self, export_id: UUID, percent: int) -> None:
        async with self._database.as_service() as connection:
            await execute(connection, update(Export).where(col(Export.id) == export_id).values(progress=percent))

    async def _finish(self, export_id: UUID, status: str, path: str | None) -> None:
        ended: dict[str, Any] = {"status": status, "object_path": path, "finished_at": func.now()}
        if status == "ready":
            ended["progress"] = 100
        change = update(Export).where(col(Export.id) == export_id, UNFINISHED).values(**ended)
        async with self._database.as_service() as connection:
            await execute(connection, change)
        log.info("export_finished", export_id=str(export_id), status=status)

    async def expire(self, connection: Connection, now: datetime) -> int:
        """Delete exports older than MAX_AGE_DAYS, with their files; returns how many.

        The rows are locked by their deletion, the files go, and then it is committed. If that ends early, the rows are
        back without their files, which the api says, and the next run removes what is left; a file is never left over.
        """
        old = delete(Export).where(col(Export.created_at) < now - timedelta(days=MAX_AGE_DAYS)).returning(Export)
        # Also of failed ones: they may have failed after the upload.
        paths = [_path(Export(**row)) for row in await fetch(connection, old)]
        for start in range(0, len(paths), MAX_FILES_REMOVED):
            await self._bucket.remove(paths[start : start + MAX_FILES_REMOVED])
        return len(paths)


async def give_up(connection: Connection, now: datetime) -> int:
    """Fail exports that nothing has moved for GIVEN_UP_AFTER, or their members could not ask again; returns how many.

    The last delivery fails its export itself, unless the database is away or the process dies.
    """
    stuck = update(Export).where(UNFINISHED, col(Export.updated_at) < now - GIVEN_UP_AFTER)
    return await execute(connection, stuck.values(status="failed", finished_at=func.now()))


def _expectations(export: Export, *what: Any) -> Select[Any]:
    """`what` of all expectations that belong into `export`."""
    mine = col(Expectation.team_id) == export.team_id, col(Expectation.user_id) == export.user_id
    return select(*what).select_from(Expectation).where(*mine)


def _path(export: Export) -> str:
    """Made of ids: the member's rights end at the api, which signs links for the owner only."""
    return f"{export.team_id}/{export.user_id}/{export.id}.{export.format}"


def _json(rows: list[Record]) -> bytes:
    """The items of an array, without its brackets; times in RFC 3339."""
    items = [dict(row) for row in rows]
    # asyncpg's UUIDs are a class of its own.
    return orjson.dumps(items, default=str, option=orjson.OPT_INDENT_2).removeprefix(b"[").removesuffix(b"\n]")


FORMULA = re.compile(r"(^|[;\t\r\n|])([\s\u00ad\u200b-\u200f\u2060\ufeff'\"]*)(?=[=+@\uff1d\uff0b\uff0d\uff20-])")
"""Place before what a spreadsheet would run: the first of a cell, also where it divides elsewhere than at commas."""


def _csv(rows: list[Record]) -> bytes:
    """Lines. What begins like a formula gets an apostrophe in front, or a spreadsheet would run it."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(row[column]) for column in COLUMNS] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        # The form that spreadsheets take for a time: they know no offsets.
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return FORMULA.sub(r"\1\2'", str(value))


@dataclass(frozen=True, slots=True)
class Format:
    """A file that is encoded page by page."""

    media_type: str
    encode: Callable[[list[Record]], bytes]
    begin: bytes = b""
    between: bytes = b""
    end: bytes = b""


FORMATS = {
    # In UTF-8 with a byte order mark, which spreadsheets need to see that it is.
    "csv": Format("text/csv", _csv, begin=b"\xef\xbb\xbf" + ",".join(CSV_HEAD).encode() + b"\r\n"),
    "json": Format("application/json", _json, begin=b"[", between=b",", end=b"\n]"),
}
