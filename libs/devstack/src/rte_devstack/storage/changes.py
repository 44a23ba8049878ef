"""Objects that are there already: move, copy and remove them."""

import asyncio
import shutil
from dataclasses import replace
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization, Caller, UpsertHeader
from rte_devstack.storage.store import Store, StoredObject, check_key, now


class Transfer(BaseModel):
    """From where to where."""

    bucketId: str
    sourceKey: str
    destinationKey: str
    destinationBucket: str | None = None


class Removal(BaseModel):
    """Exact keys, in spite of the name."""

    prefixes: list[str] = Field(min_length=1, max_length=1000)


def router(store: Store, access: Access) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/object")

    @routes.post("/move")
    async def move(asked: Transfer, authorization: Authorization = None) -> dict[str, str]:
        caller = access.caller(authorization)
        source = _visible(store, caller, asked.bucketId, asked.sourceKey)
        bucket = _destination(store, caller, asked, overwrite=False)
        if not caller.may("update", source.bucket, source.key):
            raise errors.access_denied()
        store.rename(source, bucket, asked.destinationKey)
        return {"message": "Successfully moved"}

    @routes.post("/copy")
    async def copy(
        asked: Transfer, authorization: Authorization = None, x_upsert: UpsertHeader = False
    ) -> dict[str, Any]:
        caller = access.caller(authorization)
        source = _visible(store, caller, asked.bucketId, asked.sourceKey)
        bucket = _destination(store, caller, asked, overwrite=x_upsert)
        version = str(uuid4())
        await asyncio.to_thread(shutil.copyfile, store.content(source.version), store.content(version))
        made = now()
        copied = replace(
            source,
            bucket=bucket,
            key=asked.destinationKey,
            version=version,
            owner_id=caller.user_id,
            id=str(uuid4()),
            created_at=made,
            updated_at=made,
        )
        kept = store.put(copied, overwrite=x_upsert)
        return {"Key": f"{kept.bucket}/{kept.key}", "Id": kept.id} | kept.row()

    @routes.delete("/{bucket}")
    async def remove(bucket: str, asked: Removal, authorization: Authorization = None) -> list[dict[str, Any]]:
        caller = access.caller(authorization)
        store.bucket(bucket)
        named = [store.find(bucket, key) for key in dict.fromkeys(asked.prefixes)]
        gone = [each for each in named if each and caller.may("delete", bucket, each.key)]
        for each in gone:
            store.delete(each)
        return [each.row() for each in gone]

    @routes.delete("/{bucket}/{key:path}")
    async def remove_one(bucket: str, key: str, authorization: Authorization = None) -> dict[str, str]:
        caller = access.caller(authorization)
        found = _visible(store, caller, bucket, key)
        if not caller.may("delete", bucket, key):
            raise errors.access_denied()
        store.delete(found)
        return {"message": "Successfully deleted"}

    return routes


def _visible(store: Store, caller: Caller, bucket: str, key: str) -> StoredObject:
    found = store.object(bucket, key)
    if not caller.may("select", bucket, key):
        raise errors.no_such_key()
    return found


def _destination(store: Store, caller: Caller, asked: Transfer, *, overwrite: bool) -> str:
    bucket = store.bucket(asked.destinationBucket or asked.bucketId).id
    key = check_key(asked.destinationKey)
    if not caller.may("insert", bucket, key):
        raise errors.access_denied()
    if not overwrite and store.find(bucket, key):
        raise errors.key_exists()
    return bucket
