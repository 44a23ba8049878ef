"""Signed URLs: made here for downloads and for uploads, opened in `downloads` and `uploads`."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization, Caller, UpsertHeader
from rte_devstack.storage.store import Store
from rte_devstack.storage.uploads import allow

UNREADABLE = "Either the object does not exist or you do not have access to it"


class SignOne(BaseModel):
    """How long, in seconds, the URL shall work."""

    expiresIn: int = Field(ge=1)


class SignMany(SignOne):
    """Which objects, and how long their URLs shall work."""

    paths: list[str] = Field(max_length=1000)


def router(store: Store, access: Access, upload_seconds: int) -> APIRouter:
    """Make the routes; URLs for uploads work for `upload_seconds`."""
    routes = APIRouter(prefix="/object")

    @routes.post("/upload/sign/{bucket}/{key:path}")
    async def sign_upload(
        bucket: str, key: str, authorization: Authorization = None, x_upsert: UpsertHeader = False
    ) -> dict[str, str]:
        caller = access.caller(authorization)
        allow(store, caller, bucket, key, overwrite=x_upsert)
        token = access.sign("upload", bucket, key, upload_seconds, owner=caller.user_id, upsert=x_upsert)
        return {"url": f"/object/upload/sign/{bucket}/{quote(key)}?token={token}", "token": token}

    @routes.post("/sign/{bucket}/{key:path}")
    async def sign(bucket: str, key: str, asked: SignOne, authorization: Authorization = None) -> dict[str, str]:
        url = _signed_url(store, access, access.caller(authorization), bucket, key, asked.expiresIn)
        if url is None:
            raise errors.no_such_key()
        return {"signedURL": url}

    @routes.post("/sign/{bucket}")
    async def sign_many(bucket: str, asked: SignMany, authorization: Authorization = None) -> list[dict[str, Any]]:
        caller = access.caller(authorization)
        urls = [(path, _signed_url(store, access, caller, bucket, path, asked.expiresIn)) for path in asked.paths]
        return [{"error": None if url else UNREADABLE, "path": path, "signedURL": url} for path, url in urls]

    return routes


def _signed_url(store: Store, access: Access, caller: Caller, bucket: str, key: str, seconds: int) -> str | None:
    store.bucket(bucket)
    if store.find(bucket, key) is None or not caller.may("select", bucket, key):
        return None
    return f"/object/sign/{bucket}/{quote(key)}?token={access.sign('download', bucket, key, seconds)}"
