"""What clients are told when Supabase Storage does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from storage3.exceptions import StorageApiError

from rte_common.problems import Problem

log = structlog.get_logger(__name__)

STORAGE_FAILURES = (httpx.HTTPError, StorageApiError)
"""Exceptions that the storage client raises."""

NO_SUCH_OBJECT = "not_found"
"""Error code of Storage for a missing object; the status is 400, and the body's statusCode is 404 for a bucket too."""


class StorageAway(Problem):
    """The file storage does not answer at the moment"""

    type = "storage-away"


@contextmanager
def storage_errors(not_found: type[Problem] | None = None) -> Iterator[None]:
    """Raise StorageAway for STORAGE_FAILURES, or `not_found` where the storage has no such object."""
    try:
        yield
    except STORAGE_FAILURES as error:
        if not_found and isinstance(error, StorageApiError) and error.code == NO_SUCH_OBJECT:
            raise not_found from error
        log.warning("storage_failed", error=repr(error))
        raise StorageAway("Try again later", headers={"retry-after": "5"}) from error
