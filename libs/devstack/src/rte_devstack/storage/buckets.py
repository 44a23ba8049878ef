"""`/bucket`: make, look at, change, empty and delete buckets."""

import re
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field

from rte_devstack.storage import errors
from rte_devstack.storage.access import Access, Authorization
from rte_devstack.storage.store import Bucket, Store, now

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
EMPTIED = "Empty bucket has been queued. Completion may take up to an hour."


def _bytes(value: object) -> object:
    """Read sizes like "20MB", which counts in thousands as the real server does."""
    found = re.fullmatch(r"(\d+)\s*([kmg]?b)?", value.strip().lower()) if isinstance(value, str) else None
    return int(found[1]) * UNITS[found[2] or ""] if found else value


class BucketFields(BaseModel):
    """What may be changed about a bucket."""

    public: bool = False
    file_size_limit: Annotated[int | None, BeforeValidator(_bytes)] = None
    allowed_mime_types: list[str] | None = None


class NewBucket(BucketFields):
    """A bucket to make; its id is its name unless said otherwise."""

    name: str = Field(pattern=r"^[\w!.*'()&$@=;:+,? -]{1,100}$")
    id: str | None = Field(None, pattern=r"^[\w!.*'()&$@=;:+,? -]{1,100}$")


def router(store: Store, access: Access) -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/bucket")

    @routes.post("")
    async def create(new: NewBucket, authorization: Authorization = None) -> dict[str, str]:
        access.caller(authorization).require_service()
        id = new.id or new.name
        if id in store.buckets:
            raise errors.bucket_exists()
        store.save_bucket(Bucket(id, new.public, new.file_size_limit, new.allowed_mime_types))
        return {"name": id}

    @routes.get("")
    async def list_all(authorization: Authorization = None) -> list[dict[str, Any]]:
        if access.caller(authorization).role != "service_role":
            return []
        return [bucket.view() | {"type": "STANDARD"} for _, bucket in sorted(store.buckets.items())]

    @routes.get("/{id}")
    async def get(id: str, authorization: Authorization = None) -> dict[str, Any]:
        if access.reader(authorization).role != "service_role":
            raise errors.no_such_bucket()
        return store.bucket(id).view()

    _add_changes(routes, store, access)
    return routes


def _add_changes(routes: APIRouter, store: Store, access: Access) -> None:
    @routes.put("/{id}")
    async def change(id: str, fields: BucketFields, authorization: Authorization = None) -> dict[str, str]:
        access.caller(authorization).require_service()
        bucket = store.bucket(id)
        for name, value in fields.model_dump(exclude_unset=True).items():
            setattr(bucket, name, value)
        bucket.updated_at = now()
        store.save_bucket(bucket)
        return {"message": "Successfully updated"}

    @routes.delete("/{id}")
    async def delete(id: str, authorization: Authorization = None) -> dict[str, str]:
        access.caller(authorization).require_service()
        store.delete_bucket(id)
        return {"message": "Successfully deleted"}

    @routes.post("/{id}/empty")
    async def empty(id: str, authorization: Authorization = None) -> dict[str, str]:
        access.caller(authorization).require_service()
        for each in store.objects(store.bucket(id).id):
            store.delete(each)
        return {"message": EMPTIED}
