"""Putting a member's picture into storage, under a new path for each version, and its address into the database."""

import asyncio

from storage3 import AsyncStorageClient

from rte_api.avatars import images
from rte_api.avatars.images import SIZES, Squares
from rte_api.members.service import MemberNotYetKnown
from rte_api.storage import storage_errors
from rte_common.auth import Member
from rte_common.database import Database
from rte_common.storage import AVATARS

SHOWN_SIZE = 256
"""The size that `avatar_url` names; the others differ in the file's name only."""
YEAR_SECONDS = "31536000"
PUBLIC = f"/object/public/{AVATARS}/"

CHANGE = """
    with before as (select id, uploaded_avatar_url from users where id = $1 for update)
    update users set uploaded_avatar_url = $2 from before where users.id = before.id
    returning before.uploaded_avatar_url as previous, users.avatar_url
"""


class Avatars:
    """Makes and keeps the pictures. One is decoded at a time: decoding takes up to 160 MB."""

    def __init__(self, database: Database, storage: AsyncStorageClient, storage_url: str) -> None:
        self._database = database
        self._bucket = storage.from_(AVATARS)
        self._public_url = storage_url.rstrip("/") + PUBLIC
        self._decoding = asyncio.Lock()

    async def put(self, member: Member, data: bytes) -> str:
        """Make `data` the member's picture; returns its address. Raises UnusableImage and StorageAway."""
        async with self._decoding:
            made = await asyncio.to_thread(images.squares, data)
        folder = f"{member.id}/{images.version(made)}"
        # The files come first and the old ones go last: whenever this ends early, the address still has its file.
        await self._upload(folder, made)
        url = f"{self._public_url}{folder}/{SHOWN_SIZE}.webp"
        await self._change(member, url)
        return url

    async def remove(self, member: Member) -> None:
        """Go back to the picture that the member has at Clerk."""
        await self._change(member, None)

    async def _upload(self, folder: str, made: Squares) -> None:
        options = {"content-type": "image/webp", "cache-control": YEAR_SECONDS, "upsert": "true"}
        with storage_errors():
            for size, body in made.items():
                await self._bucket.upload(f"{folder}/{size}.webp", body, options)  # type: ignore[arg-type]

    async def _change(self, member: Member, url: str | None) -> None:
        async with self._database.acting_as(member) as connection:
            row = await connection.fetchrow(CHANGE, member.id, url)
        if row is None:
            raise MemberNotYetKnown
        previous: str | None = row["previous"]
        if previous is not None and previous != url:
            folder = previous.removeprefix(self._public_url).rpartition("/")[0]
            with storage_errors():
                await self._bucket.remove([f"{folder}/{size}.webp" for size in SIZES])
