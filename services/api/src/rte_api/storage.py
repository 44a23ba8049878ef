"""What clients are told when Supabase Storage does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from storage3.exceptions import StorageApiError

from rte_common.problems import Problem

log = structlog.get_logger(__name__)

STORAGE_FAILURES = (httpx.HTTPError, StorageApiError)
"""Whatever the storage client raises."""


class StorageAway(Problem):
    """The file storage does not answer at the moment"""

    type = "storage-away"
    status = 503


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise StorageAway for STORAGE_FAILURES."""
    try:
        yield
    except STORAGE_FAILURES as error:
        log.warning("storage_failed", error=repr(error))
        raise StorageAway("Try again later", headers={"retry-after": "5"}) from error
