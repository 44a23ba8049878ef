"""Make the storage buckets, or put their settings right: `python -m rte_common.buckets`.

It needs SUPABASE_URL and SUPABASE_SERVICE_KEY, prints a line for each bucket, and can be run at any time: objects stay.
"""

import asyncio
import sys
from dataclasses import dataclass

import httpx
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError
from storage3.types import CreateOrUpdateBucketOptions

from rte_common import storage
from rte_common.process import load
from rte_common.storage import AVATARS, EXPORTS, StorageSettings

MIB = 1 << 20
NO_SUCH_BUCKET = "Bucket not found"
"""Error message of Storage for a missing bucket, and to a key that may not see the bucket."""
DUPLICATE = "Duplicate"
REFUSED = {"401", "403"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it should be. `max_bytes` limits one object; other media types than `media_types` are refused."""

    id: str
    public: bool
    max_bytes: int
    media_types: tuple[str, ...]

    @property
    def options(self) -> CreateOrUpdateBucketOptions:
        """The settings under Storage's names."""
        return {
            "public": self.public,
            "file_size_limit": self.max_bytes,
            "allowed_mime_types": list(self.media_types),
        }


BUCKETS = (
    # The largest square that the api makes has 512 x 512 pixels: a megabyte holds the worst of them.
    Bucket(AVATARS, public=True, max_bytes=MIB, media_types=("image/webp",)),
    # What a project on the Free plan allows: Storage refuses a bucket that wants more than its project.
    Bucket(EXPORTS, public=False, max_bytes=50 * MIB, media_types=("text/csv", "application/json")),
)


class BucketsNotReady(Exception):
    """The buckets could not be made or changed; the message says what to do."""


async def ensure(settings: StorageSettings) -> list[str]:
    """Make each of BUCKETS be there as it should be; one sentence for each on what was found or done.

    Raises BucketsNotReady.
    """
    async with storage.connect(settings) as client:
        try:
            return [await _ensure(client, bucket) for bucket in BUCKETS]
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise BucketsNotReady(f"{settings.supabase_url} does not answer ({reason}): check SUPABASE_URL") from error
        except StorageApiError as error:
            raise BucketsNotReady(_refusal(error, settings)) from error
        except ValueError as error:  # an answer that is no JSON, or describes no bucket
            raise BucketsNotReady(_no_storage(settings)) from error


async def _ensure(client: AsyncStorageClient, bucket: Bucket) -> str:
    try:
        found = await client.get_bucket(bucket.id)
    except StorageApiError as error:
        if error.code != NO_SUCH_BUCKET:
            raise
        return await _create(client, bucket)
    before = found.model_dump(include=set(bucket.options))
    wrong = [f"{name} {before[name]} -> {wanted}" for name, wanted in bucket.options.items() if before[name] != wanted]
    if not wrong:
        return f"{bucket.id}: is as it should be"
    await client.update_bucket(bucket.id, bucket.options)
    return f"{bucket.id}: changed {', '.join(wrong)}"


async def _create(client: AsyncStorageClient, bucket: Bucket) -> str:
    try:
        await client.create_bucket(bucket.id, options=bucket.options)
    except StorageApiError as error:
        if error.code != DUPLICATE:
            raise
        return await _ensure(client, bucket)  # somebody else made it at the same moment
    return f"{bucket.id}: created, {'public' if bucket.public else 'private'}"


def _refusal(error: StorageApiError, settings: StorageSettings) -> str:
    if str(error.status) in REFUSED:
        return (
            f"{settings.supabase_url} refuses SUPABASE_SERVICE_KEY ({error.message}): "
            "copy a secret key (sb_secret_...) of this project, Settings > API Keys"
        )
    if error.code == "InternalError":  # storage3's word for an answer that is not Storage's
        return _no_storage(settings)
    return f"{settings.supabase_url} refused: {error.message}"


def _no_storage(settings: StorageSettings) -> str:
    return (
        f"no Supabase Storage answers at {settings.storage_url}: "
        "SUPABASE_URL is the project's own address, like https://<ref>.supabase.co"
    )


def main() -> None:
    """Print what was found or done; exit code 1 when the buckets are not as they should be."""
    settings = load(StorageSettings)
    try:
        for line in asyncio.run(ensure(settings)):
            print(line)
    except BucketsNotReady as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
