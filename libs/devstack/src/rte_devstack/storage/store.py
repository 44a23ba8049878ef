"""Buckets and objects on disk.

A key never becomes a path: the content of an object lies under a version id of our own, its record in a JSON file of
its own, and the index is in memory. So no key can leave the folder.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from rte_devstack.json_files import read_json, write_json
from rte_devstack.storage import errors

KEY = re.compile(r"[A-Za-z0-9_/!.*'()&$@=;:+,?\- ]+")
"""What the real server allows in keys; everything else is InvalidKey."""
MAX_KEY_LENGTH = 1024


def now() -> str:
    """Return the time as Storage writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Bucket:
    """A bucket and its limits: bytes per object, and the types it takes; None is no limit."""

    id: str
    public: bool = False
    file_size_limit: int | None = None
    allowed_mime_types: list[str] | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    def view(self) -> dict[str, Any]:
        """Return the bucket as clients see it."""
        return {"id": self.id, "name": self.id, "owner": ""} | {k: v for k, v in asdict(self).items() if k != "id"}


@dataclass
class StoredObject:
    """The record of one object. `version` names the file that holds its content."""

    bucket: str
    key: str
    version: str
    size: int
    mime_type: str
    cache_control: str
    etag: str
    user_metadata: dict[str, Any]
    owner_id: str = ""
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    def times(self) -> dict[str, str]:
        """Return the three times every listing has."""
        return {
            "updated_at": self.updated_at,
            "created_at": self.created_at,
            "last_accessed_at": self.updated_at,
        }

    def metadata(self) -> dict[str, Any]:
        """Return the column `metadata` of storage.objects."""
        return {
            "eTag": self.etag,
            "size": self.size,
            "mimetype": self.mime_type,
            "cacheControl": self.cache_control,
            "lastModified": self.updated_at,
            "contentLength": self.size,
            "httpStatusCode": 200,
        }

    def row(self) -> dict[str, Any]:
        """Return the whole row of storage.objects, as copy and remove answer it."""
        named = {"name": self.key, "bucket_id": self.bucket, "owner": "", "owner_id": self.owner_id}
        rest = {"metadata": self.metadata(), "user_metadata": self.user_metadata}
        return named | {"version": self.version, "id": self.id} | self.times() | rest


class Store:
    """All buckets and objects. Changes are whole: a reader sees the old content or the new."""

    def __init__(self, folder: Path) -> None:
        self._buckets_file = folder / "buckets.json"
        self._records = folder / "records"
        self._contents = folder / "contents"
        self._contents.mkdir(parents=True, exist_ok=True)
        self.buckets = {each["id"]: Bucket(**each) for each in read_json(self._buckets_file, [])}
        found = [StoredObject(**read_json(file, {})) for file in self._records.glob("*.json")]
        self._objects = {(each.bucket, each.key): each for each in found}
        self._sweep()

    def bucket(self, id: str) -> Bucket:
        """Return a bucket; NoSuchBucket when there is none."""
        if id not in self.buckets:
            raise errors.no_such_bucket()
        return self.buckets[id]

    def save_bucket(self, bucket: Bucket) -> None:
        """Add a bucket, or keep its changes."""
        self.buckets[bucket.id] = bucket
        self._save_buckets()

    def delete_bucket(self, id: str) -> None:
        """Remove an empty bucket."""
        if any(self.objects(self.bucket(id).id)):
            raise errors.not_empty()
        del self.buckets[id]
        self._save_buckets()

    def objects(self, bucket: str) -> Iterator[StoredObject]:
        """Return the objects of a bucket in the order of their keys."""
        return iter(sorted((o for o in self._objects.values() if o.bucket == bucket), key=lambda each: each.key))

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """Return an object, or None."""
        return self._objects.get((bucket, key))

    def object(self, bucket: str, key: str) -> StoredObject:
        """Return an object; NoSuchBucket or NoSuchKey when there is none."""
        self.bucket(bucket)
        found = self.find(bucket, key)
        if found is None:
            raise errors.no_such_key()
        return found

    def content(self, version: str) -> Path:
        """Return the file of an object's content."""
        return self._contents / version

    def put(self, new: StoredObject, *, overwrite: bool) -> StoredObject:
        """Keep an object whose content is in place, instead of the one of the same key if `overwrite` says so."""
        old = self.find(new.bucket, new.key)
        if old is not None:
            if not overwrite:
                raise errors.key_exists()
            new.id, new.created_at = old.id, old.created_at
        self._objects[new.bucket, new.key] = new
        self._save(new)
        if old is not None and old.version != new.version:
            self.content(old.version).unlink(missing_ok=True)
        return new

    def rename(self, old: StoredObject, bucket: str, key: str) -> None:
        """Give an object another place; its content stays where it is."""
        del self._objects[old.bucket, old.key]
        old.bucket, old.key, old.updated_at = bucket, key, now()
        self._objects[bucket, key] = old
        self._save(old)

    def delete(self, old: StoredObject) -> None:
        """Remove an object and its content."""
        del self._objects[old.bucket, old.key]
        self._record(old).unlink()
        self.content(old.version).unlink(missing_ok=True)

    def _sweep(self) -> None:
        # A process killed between content and record leaves a content that nobody names.
        named = {each.version for each in self._objects.values()}
        for file in self._contents.iterdir():
            if file.name not in named:
                file.unlink()

    def _save_buckets(self) -> None:
        write_json(self._buckets_file, [asdict(each) for each in self.buckets.values()])

    def _save(self, object: StoredObject) -> None:
        write_json(self._record(object), asdict(object))

    def _record(self, object: StoredObject) -> Path:
        return self._records / f"{object.id}.json"


def check_key(key: str) -> str:
    """Return the key; refuse one that the real server refuses, or with `.` and `..` segments."""
    if not KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH or {".", "..", ""} & set(key.split("/")):
        raise errors.invalid_key(key)
    return key
