"""What goes into a bucket: raw or multipart, streamed to disk, within the bucket's limits."""

import asyncio
import base64
import binascii
import hashlib
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization, Caller, Operation, UpsertHeader
from rte_devstack.storage.store import Bucket, Store, StoredObject, check_key

MULTIPART_OVERHEAD = 65_536
"""Bytes of boundaries and fields that a multipart body may have beyond the file."""


@dataclass(frozen=True, slots=True)
class Received:
    """What an upload says about itself; the bytes are on disk already."""

    size: int
    md5: str
    mime_type: str
    cache_control: str
    user_metadata: dict[str, Any]


def router(store: Store, access: Access, size_limit: int) -> APIRouter:
    """Make the routes; `size_limit` in bytes holds where a bucket has none of its own, or a larger one."""
    routes = APIRouter(prefix="/object")

    @routes.put("/upload/sign/{bucket}/{key:path}")
    async def signed(bucket: str, key: str, request: Request, token: str | None = None) -> dict[str, str]:
        claims = access.opened("upload", bucket, key, token)
        overwrite = bool(claims["upsert"])
        allow(store, Caller("service_role"), bucket, key, overwrite=overwrite)
        await _receive(store, size_limit, request, bucket, key, str(claims["owner"]), overwrite)
        return {"Key": f"{bucket}/{key}"}

    @routes.post("/{bucket}/{key:path}")
    async def upload(
        bucket: str, key: str, request: Request, authorization: Authorization = None, x_upsert: UpsertHeader = False
    ) -> dict[str, str]:
        caller = access.caller(authorization)
        allow(store, caller, bucket, key, overwrite=x_upsert)
        kept = await _receive(store, size_limit, request, bucket, key, caller.user_id, x_upsert)
        return {"Key": f"{bucket}/{key}", "Id": kept.id}

    @routes.put("/{bucket}/{key:path}")
    async def replace(bucket: str, key: str, request: Request, authorization: Authorization = None) -> dict[str, str]:
        caller = access.caller(authorization)
        allow(store, caller, bucket, key, overwrite=True)
        store.object(bucket, key)
        kept = await _receive(store, size_limit, request, bucket, key, caller.user_id, overwrite=True)
        return {"Key": f"{bucket}/{key}", "Id": kept.id}

    return routes


def allow(store: Store, caller: Caller, bucket: str, key: str, *, overwrite: bool) -> None:
    """Refuse an upload that may not be: key, bucket, policies, and an object that is there and shall stay."""
    check_key(key)
    store.bucket(bucket)
    needed: tuple[Operation, ...] = ("select", "insert", "update") if overwrite else ("insert",)
    if not all(caller.may(operation, bucket, key) for operation in needed):
        raise errors.access_denied()
    if not overwrite and store.find(bucket, key):
        raise errors.key_exists()


async def _receive(
    store: Store, size_limit: int, request: Request, bucket_id: str, key: str, owner: str, overwrite: bool
) -> StoredObject:
    bucket = store.bucket(bucket_id)
    limit = min(size_limit, bucket.file_size_limit or size_limit)
    version = str(uuid4())
    target = store.content(version)
    try:
        multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
        received = await (_multipart if multipart else _raw)(request, bucket, limit, target)
        new = StoredObject(
            bucket=bucket_id,
            key=key,
            version=version,
            size=received.size,
            mime_type=received.mime_type,
            cache_control=received.cache_control,
            etag=f'"{received.md5}"',
            user_metadata=received.user_metadata,
            owner_id=owner,
        )
        # Asked again: another upload of this key may have ended while this one was received.
        return store.put(new, overwrite=overwrite)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


async def _raw(request: Request, bucket: Bucket, limit: int, target: Path) -> Received:
    mime_type = request.headers.get("content-type", "application/octet-stream")
    _check_type(bucket, mime_type)
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with target.open("wb") as out:
        async for chunk in _limited(request.stream(), limit):
            digest.update(chunk)
            size += out.write(chunk)
    cache_control = request.headers.get("cache-control", "no-cache")
    metadata = _decoded(request.headers.get("x-metadata"))
    return Received(size, digest.hexdigest(), mime_type, cache_control, metadata)


async def _multipart(request: Request, bucket: Bucket, limit: int, target: Path) -> Received:
    stream = _limited(request.stream(), limit + MULTIPART_OVERHEAD)
    try:
        # The parser spools files beyond 1 MB to disk.
        form = await MultiPartParser(request.headers, stream, max_files=1).parse()
    except MultiPartException as error:
        raise errors.invalid_request(error.message) from error
    try:
        file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if file is None:
            raise errors.invalid_request("body must have a file")
        mime_type = file.content_type or "application/octet-stream"
        _check_type(bucket, mime_type)
        if (file.size or 0) > limit:
            raise errors.too_large()
        size, md5 = await asyncio.to_thread(_keep, file, target)
        seconds = form.get("cacheControl")
        cache_control = f"max-age={seconds}" if seconds else "no-cache"
        return Received(size, md5, mime_type, cache_control, _metadata(form.get("metadata")))
    finally:
        await form.close()


def _keep(file: UploadFile, target: Path) -> tuple[int, str]:
    with target.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    with target.open("rb") as kept:
        return target.stat().st_size, hashlib.file_digest(kept, _md5).hexdigest()


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


async def _limited(stream: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise errors.too_large()
        yield chunk


def _check_type(bucket: Bucket, mime_type: str) -> None:
    plain = mime_type.split(";")[0].strip().lower()
    allowed = bucket.allowed_mime_types
    if allowed is not None and not {plain, f"{plain.split('/')[0]}/*", "*/*"} & set(allowed):
        raise errors.invalid_mime_type(mime_type)


def _decoded(header: str | None) -> dict[str, Any]:
    if header is None:
        return {}
    try:
        return _metadata(base64.b64decode(header, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError) as error:
        raise errors.invalid_request("headers/x-metadata must be base64 of JSON") from error


def _metadata(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise errors.invalid_request("metadata must be JSON") from error
    return found if isinstance(found, dict) else {}
