"""What comes out of a bucket: with a key, from a public bucket, or through a signed URL; ranges and ETags."""

from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization
from rte_devstack.storage.errors import StorageResponse
from rte_devstack.storage.store import Store, StoredObject

READ = ["GET", "HEAD"]


def router(store: Store, access: Access) -> APIRouter:
    """Make the routes. The last one takes every path of two parts or more, so it comes after all others."""
    routes = APIRouter(prefix="/object")

    @routes.api_route("/public/{bucket}/{key:path}", methods=READ)
    async def public(bucket: str, key: str, request: Request, download: str | None = None) -> Response:
        if not store.bucket(bucket).public:
            raise errors.no_such_bucket()
        found = store.object(bucket, key)
        return _content(store, request, found, {"cache-control": found.cache_control}, download)

    @routes.api_route("/sign/{bucket}/{key:path}", methods=READ)
    async def signed(
        bucket: str, key: str, request: Request, token: str | None = None, download: str | None = None
    ) -> Response:
        claims = access.opened("download", bucket, key, token)
        expires = formatdate(float(claims["exp"]), usegmt=True)
        return _content(store, request, store.object(bucket, key), {"expires": expires}, download)

    # Of two decorators the lower one registers first, and the longer path must.
    @routes.api_route("/info/{bucket}/{key:path}", methods=READ)
    @routes.api_route("/info/authenticated/{bucket}/{key:path}", methods=READ)
    async def info(bucket: str, key: str, authorization: Authorization = None) -> Response:
        found = _readable(store, access, authorization, bucket, key)
        headers = {"cache-control": found.cache_control, "etag": found.etag, "last-modified": _last_modified(found)}
        return StorageResponse(_info(found), headers=headers)

    @routes.api_route("/{bucket}/{key:path}", methods=READ)
    @routes.api_route("/authenticated/{bucket}/{key:path}", methods=READ)
    async def authenticated(
        bucket: str, key: str, request: Request, authorization: Authorization = None, download: str | None = None
    ) -> Response:
        found = _readable(store, access, authorization, bucket, key)
        return _content(store, request, found, {"cache-control": found.cache_control}, download)

    return routes


def _readable(store: Store, access: Access, authorization: str | None, bucket: str, key: str) -> StoredObject:
    caller = access.reader(authorization)
    found = store.object(bucket, key)
    if not caller.may("select", bucket, key):
        raise errors.no_such_key()
    return found


def _content(
    store: Store, request: Request, found: StoredObject, more: dict[str, str], download: str | None
) -> Response:
    headers = {
        "content-type": found.mime_type,
        "etag": found.etag,
        "last-modified": _last_modified(found),
        "accept-ranges": "bytes",
        "x-robots-tag": "none",
        **more,
    }
    if download is not None:
        headers["content-disposition"] = _attachment(download)
    if _unchanged(request, found):
        return Response(status_code=304, headers=headers | {"content-length": "0"})
    return FileResponse(store.content(found.version), headers=headers)


def _unchanged(request: Request, found: StoredObject) -> bool:
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    return known.strip() == "*" or found.etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


def _attachment(name: str) -> str:
    if not name:
        return "attachment"
    escaped = quote(name, safe="")
    return f"attachment; filename={escaped}; filename*=UTF-8''{escaped}"


def _last_modified(found: StoredObject) -> str:
    return format_datetime(datetime.fromisoformat(found.updated_at).astimezone(UTC), usegmt=True)


def _info(found: StoredObject) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.key,
        "version": found.version,
        "bucket_id": found.bucket,
        "size": found.size,
        "content_type": found.mime_type,
        "cache_control": found.cache_control,
        "etag": found.etag,
        "metadata": found.user_metadata,
        "last_modified": found.updated_at,
        "created_at": found.created_at,
    }
