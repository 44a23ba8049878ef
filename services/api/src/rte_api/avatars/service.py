"""Putting a member's picture into storage, under a new path for each version, and its address into the database."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

import structlog
from storage3 import AsyncStorageClient

from rte_api.avatars import images
from rte_api.avatars.images import SIZES, Squares
from rte_api.members.service import MemberNotYetKnown
from rte_api.storage import STORAGE_FAILURES, storage_errors
from rte_common.auth import Member
from rte_common.database import Connection, Database
from rte_common.storage import AVATARS

log = structlog.get_logger(__name__)

SHOWN_SIZE = 256
"""Edge of the square that `avatar_url` names; the others differ in the file's name only."""
YEAR_SECONDS = "31536000"
PUBLIC = f"/object/public/{AVATARS}/"

CHANGE = """
    with before as (select id, uploaded_avatar_url from users where id = $1 for update)
    update users set uploaded_avatar_url = $2 from before where users.id = before.id
    returning before.uploaded_avatar_url as previous
"""


class Avatars:
    """Pictures of members, in storage and in the database."""

    def __init__(self, database: Database, storage: AsyncStorageClient, storage_url: str) -> None:
        self._database = database
        self._bucket = storage.from_(AVATARS)
        self._public_url = storage_url.rstrip("/") + PUBLIC
        # One thread: 40 million pixels take 170 MB while they are decoded, and up to 470 MB with transparency. A lock
        # would be free again when a request is given up, but its thread would still decode.
        self._decoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="avatar")

    async def put(self, member: Member, data: bytes) -> str:
        """Make `data` the member's picture; returns its address. Raises UnusableImage and StorageAway."""
        made = await asyncio.get_running_loop().run_in_executor(self._decoder, images.squares, data)
        # Never a path that was used before: a request that overlaps this one may be about to remove what was there.
        folder = f"{member.id}/{secrets.token_hex(12)}"
        url = f"{self._public_url}{folder}/{SHOWN_SIZE}.webp"
        committing = False
        # The files come first and the old ones go last: whenever this ends early, the address still has its file.
        try:
            await self._upload(folder, made)
            async with self._database.acting_as(member) as connection:
                previous = await _change(connection, member, url)
                committing = True
        except BaseException:
            if not committing:  # a commit without an answer may have happened
                await self._discard(folder)
            raise
        await self._discard_shown(previous)
        return url

    async def remove(self, member: Member) -> None:
        """Go back to the picture that the member has at Clerk."""
        async with self._database.acting_as(member) as connection:
            previous = await _change(connection, member, None)
        await self._discard_shown(previous)

    async def _upload(self, folder: str, made: Squares) -> None:
        options = {"content-type": "image/webp", "cache-control": YEAR_SECONDS}
        with storage_errors():
            for size, body in made.items():
                await self._bucket.upload(f"{folder}/{size}.webp", body, options)  # type: ignore[arg-type]

    async def _discard_shown(self, url: str | None) -> None:
        if url is not None:
            await self._discard(url.removeprefix(self._public_url).rpartition("/")[0])

    async def _discard(self, folder: str) -> None:
        """Remove the files of a picture that nobody is shown; what is asked for does not depend on it."""
        try:
            await self._bucket.remove([f"{folder}/{size}.webp" for size in SIZES])
        except STORAGE_FAILURES as error:
            log.warning("avatar_not_removed", folder=folder, error=repr(error))


class AvatarsState(TypedDict):
    """Part of the api's state that pictures need."""

    avatars: Avatars


async def _change(connection: Connection, member: Member, url: str | None) -> str | None:
    """Let `url` be the member's own picture; returns the one before."""
    row = await connection.fetchrow(CHANGE, member.id, url)
    if row is None:
        raise MemberNotYetKnown
    previous: str | None = row["previous"]
    return previous
