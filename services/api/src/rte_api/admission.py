"""ASGI middleware before every route below /api/v1: who calls, how often, how long, and whether the team's cache knows.
Of every path it makes the one without a slash at its end, and of HEAD GET.

It stands before FastAPI because most requests end here: the answer that a team shares costs neither routing nor SQL.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rte_api.authentication import SAFE_METHODS
from rte_api.limits import Verdict
from rte_api.responses import SharedResponse
from rte_api.settings import Settings
from rte_api.wiring import Wiring
from rte_common import problems
from rte_common.auth import InvalidToken, KeysUnavailable
from rte_common.database import OUTCOME_UNKNOWN, SOON

PREFIX = "/api/v1/"
SHARED_PATHS = frozenset({"/api/v1/expectations"})
"""Whose answers are the same for the whole team."""

MOST_JSON_BYTES = 64 * 1024
MOST_BYTES = {"/api/v1/me/avatar": 5_000_000}
"""Paths that take more than JSON."""

RawHeaders = list[tuple[bytes, bytes]]


class Admission:
    """Lets requests in: authenticated, within the limits, in time."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._request_seconds = settings.request_timeout_seconds
        self._body_seconds = settings.body_timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].endswith("/"):  # answered like the path without it: a redirect would lose body and token
            scope["path"] = scope["path"].rstrip("/") or "/"
        if scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            await self._call(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        wiring: Wiring = scope["state"]["wiring"]
        method: str = scope["method"]
        headers = Headers(scope=scope)
        try:
            member = await wiring.authentication.member(method, headers)
        except (InvalidToken, KeysUnavailable) as error:
            scope["state"]["refusal"] = error  # the route's dependency raises it, so that it is answered in one place
            await self._in_time(scope, headers, receive, send)
            return
        scope["state"]["member"] = member
        reads = method in SAFE_METHODS
        verdict = wiring.limits.take(member.id, writes=not reads)
        told: RawHeaders = [(b"ratelimit-policy", wiring.limits.policy), (b"ratelimit", verdict.limit)]
        if not verdict.allowed:
            await _too_many(scope, receive, _adding(send, told), verdict)
            return
        if not reads:

            def note() -> None:
                wiring.cache.drop(member.team_id)
                wiring.last_known.changed(member.team_id)

            await self._in_time(scope, headers, receive, _adding(send, told, note))
            return
        if method == "GET" and scope["path"] in SHARED_PATHS:
            shelf = scope["state"]["shelf"] = wiring.cache.shelf(member.team_id)
            answer = shelf and wiring.cache.find(shelf, scope["query_string"])
            if answer:
                response = SharedResponse(answer, headers)
                await response(scope, receive, _adding(send, told))
                return
        await self._in_time(scope, headers, receive, _adding(send, told))

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer like GET; the server leaves out the body, because it knows of HEAD."""
        as_get = {**scope, "method": "GET"}
        await self(as_get, receive, send)
        if "route" in as_get:
            scope["route"] = as_get["route"]  # for the metrics

    async def _in_time(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if scope["method"] not in SAFE_METHODS:
            receive = _Body(scope["path"], headers, receive, self._body_seconds).receive
        try:
            async with asyncio.timeout(self._request_seconds):
                await self._app(scope, receive, noting)
        except TimeoutError:
            if started:
                raise
            response = problems.answer(Request(scope), "too-slow", OUTCOME_UNKNOWN, headers=SOON)
            await response(scope, receive, send)


class _Body:
    """The body of a request, as long as it is neither too large nor too slow."""

    def __init__(self, path: str, headers: Headers, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._most = MOST_BYTES.get(path, MOST_JSON_BYTES)
        self._declared = headers.get("content-length", "")
        self._came = 0

    async def receive(self) -> Message:
        """The next part; FastAPI answers the HTTPException."""
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            close = {"connection": "close"}  # what is left of the body is not waited for
            came = f"{self._came:,} of {int(self._declared):,}" if self._declared else f"{self._came:,}"
            detail = f"The body did not arrive within {self._seconds:g} seconds: {came} bytes came"
            raise HTTPException(408, detail, close) from None
        self._came += len(message.get("body", b""))
        if self._came > self._most:
            size = f"{int(self._declared):,} bytes" if self._declared else f"more than {self._most:,} bytes"
            raise HTTPException(413, f"The body has {size}, and may have {_size(self._most)}")
        return message


def _size(count: int) -> str:
    return f"{count:,} ({count // 1024} KiB)" if count % 1024 == 0 else f"{count:,} ({count / 1_000_000:g} MB)"


def _adding(send: Send, headers: RawHeaders, before: Callable[[], None] | None = None) -> Send:
    """`send` that adds headers to the answer, and calls `before` ahead of a good one."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            if before is not None and message["status"] < 400:
                before()
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return sending


async def _too_many(scope: Scope, receive: Receive, send: Send, verdict: Verdict) -> None:
    response = problems.answer(
        Request(scope),
        "too-many-requests",
        f"Wait {verdict.retry_after} seconds: RateLimit-Policy says how many are allowed",
        headers={"retry-after": str(verdict.retry_after)},
    )
    await response(scope, receive, send)
