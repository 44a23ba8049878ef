"""The body of a request, read within bounds: neither too large nor too slow."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MAX_JSON_BYTES = 64 * 1024
MAX_BYTES = {"/api/v1/me/avatar": 5_000_000}
"""Sizes of bodies that are more than JSON, by path."""


class LimitedBody:
    """A body whose parts are counted and timed as they come."""

    def __init__(self, path: str, headers: Headers, receive: Receive, max_seconds: float) -> None:
        self._receive = receive
        self._max_seconds = max_seconds
        self._deadline = asyncio.get_running_loop().time() + max_seconds
        self._max_bytes = MAX_BYTES.get(path, MAX_JSON_BYTES)
        self._declared = headers.get("content-length", "")
        self._received = 0

    async def receive(self) -> Message:
        """The next part; raises HTTPException 408 or 413, which FastAPI answers."""
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            close = {"connection": "close"}  # what is left of the body is not waited for
            came = f"{self._received:,} of {int(self._declared):,}" if self._declared else f"{self._received:,}"
            detail = f"The body did not arrive within {self._max_seconds:g} seconds: {came} bytes came"
            raise HTTPException(408, detail, close) from None
        self._received += len(message.get("body", b""))
        if self._received > self._max_bytes:
            size = f"{int(self._declared):,} bytes" if self._declared else f"more than {self._max_bytes:,} bytes"
            raise HTTPException(413, f"The body has {size}, and may have {_in_words(self._max_bytes)}")
        return message


def _in_words(count: int) -> str:
    return f"{count:,} ({count // 1024} KiB)" if count % 1024 == 0 else f"{count:,} ({count / 1_000_000:g} MB)"
