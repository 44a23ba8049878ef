"""Supabase Storage: one client per process, under the service's secret key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import Field, HttpUrl, SecretStr
from storage3 import AsyncStorageClient

from rte_common.settings import Variables

AVATARS = "avatars"
"""Public bucket: a new path for each version of a picture. `rte_common.buckets` makes it."""
EXPORTS = "exports"
"""Private bucket: read through short signed links only. `rte_common.buckets` makes it."""


class StorageSettings(Variables):
    """Address and key of the project's storage."""

    supabase_url: HttpUrl = Field(description="the project's address, like `https://<ref>.supabase.co`")
    supabase_service_key: SecretStr = Field(description="a secret key (`sb_secret_...`), one for each service")

    @property
    def storage_url(self) -> str:
        """Address of the project's storage API."""
        return f"{str(self.supabase_url).rstrip('/')}/storage/v1/"


@asynccontextmanager
async def connect(settings: StorageSettings, *, timeout_seconds: float = 30) -> AsyncIterator[AsyncStorageClient]:
    """A storage client; its errors are httpx.HTTPError and storage3's StorageApiError. Nothing is retried."""
    key = settings.supabase_service_key.get_secret_value()
    headers = {"apikey": key, "authorization": f"Bearer {key}"}
    # With a client of our own storage3 neither warns of deprecated options nor leaks sockets.
    async with httpx.AsyncClient(timeout=timeout_seconds) as http:
        yield AsyncStorageClient(settings.storage_url, headers, http_client=http)
