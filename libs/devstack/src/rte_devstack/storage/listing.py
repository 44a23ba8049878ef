"""What is in a bucket: one level at a time, or page by page with a cursor."""

import base64
import binascii
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization
from rte_devstack.storage.store import Store, StoredObject

CURSOR = "l:"
"""What the real server's cursors begin with, before the key and the base64."""
FOLDER = {"id": None, "updated_at": None, "created_at": None, "last_accessed_at": None, "metadata": None}


class SortBy(BaseModel):
    """The order of a listing."""

    column: Literal["name", "updated_at", "created_at", "last_accessed_at"] = "name"
    order: Literal["asc", "desc"] = "asc"


class Listing(BaseModel):
    """One level below `prefix`; `search` keeps the names that begin with it."""

    prefix: str
    limit: int = Field(100, ge=1)
    offset: int = Field(0, ge=0)
    sortBy: SortBy = SortBy()
    search: str = ""


class ListingPage(BaseModel):
    """All keys that begin with `prefix`, in their order; `with_delimiter` folds what lies deeper into folders."""

    prefix: str = ""
    limit: int = Field(1000, ge=1, le=1000)
    cursor: str | None = None
    with_delimiter: bool = False


def router(store: Store, access: Access) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/object")

    def visible(bucket: str, authorization: str | None) -> list[StoredObject]:
        caller = access.caller(authorization)
        return [each for each in store.objects(store.bucket(bucket).id) if caller.may("select", bucket, each.key)]

    @routes.post("/list/{bucket}")
    async def level(bucket: str, asked: Listing, authorization: Authorization = None) -> list[dict[str, Any]]:
        prefix = f"{asked.prefix.strip('/')}/" if asked.prefix.strip("/") else ""
        rows: dict[str, dict[str, Any]] = {}
        for each in visible(bucket, authorization):
            name, deeper = _below(each.key, prefix)
            if name and name.lower().startswith(asked.search.lower()):
                file = {"name": name, "id": each.id, **each.times(), "metadata": each.metadata()}
                rows[name] = {"name": name, **FOLDER} if deeper else file
        column = asked.sortBy.column
        found = sorted(rows.values(), key=lambda row: row[column] or "", reverse=asked.sortBy.order == "desc")
        return found[asked.offset : asked.offset + asked.limit]

    @routes.post("/list-v2/{bucket}")
    async def page(bucket: str, asked: ListingPage, authorization: Authorization = None) -> dict[str, Any]:
        after = _key_of(asked.cursor)
        folders: list[dict[str, Any]] = []
        objects: list[dict[str, Any]] = []
        last = ""
        for each in visible(bucket, authorization):
            name, deeper = _below(each.key, asked.prefix)
            folder = f"{asked.prefix}{name}/" if deeper and asked.with_delimiter else None
            place = folder or each.key
            if not each.key.startswith(asked.prefix) or place <= after or place == last:
                continue
            if len(folders) + len(objects) == asked.limit:
                next_page = {"hasNext": True, "nextCursor": _cursor_of(last), "nextCursorKey": last}
                return next_page | {"folders": folders, "objects": objects}
            last = place
            if folder:
                folders.append({"key": name, "name": folder})
            else:
                row = {"key": each.key.removeprefix(asked.prefix), "name": each.key, "id": each.id}
                objects.append(row | each.times() | {"metadata": each.metadata()})
        return {"hasNext": False, "folders": folders, "objects": objects}

    return routes


def _below(key: str, prefix: str) -> tuple[str, bool]:
    """Return the first name of `key` below `prefix`, and whether more follows; an empty name if it is not below."""
    if not key.startswith(prefix):
        return "", False
    name, slash, _ = key.removeprefix(prefix).partition("/")
    return name, bool(slash)


def _cursor_of(key: str) -> str:
    return base64.b64encode(f"{CURSOR}{key}".encode()).decode()


def _key_of(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor, validate=True).decode().removeprefix(CURSOR)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise errors.invalid_request("body/cursor is not a cursor") from error
