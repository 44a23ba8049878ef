"""ASGI middleware before every route: who calls, how often, how long, and whether the team's cache has the answer.

It fails closed: without a valid token a request ends here, unless its path is one of PUBLIC_PATHS, so that a route that
forgets to ask for a member still has one. It stands before FastAPI because most requests end here anyway: a cached
response costs neither routing nor SQL.

Of every path it makes the one without a slash at its end, and of HEAD GET.
"""

import asyncio
import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rte_api import authentication
from rte_api.authentication import SAFE_METHODS
from rte_api.limits import Verdict
from rte_api.request_body import LimitedBody
from rte_api.responses import CacheableResponse
from rte_api.settings import Settings
from rte_api.state import RequestState, State
from rte_common import problems
from rte_common.auth import InvalidToken, KeysUnavailable, Member
from rte_common.database import OUTCOME_UNKNOWN, SOON

PUBLIC_PATHS = re.compile(r"/health|/ready|/api|/api/openapi\.json|/api/docs(/.+)?|/problems(/.+)?")
"""Paths that answer without a token: what is there must be everybody's to read."""
CACHED_PATHS = frozenset({"/api/v1/expectations"})
"""Paths whose answers are the same for the whole team."""
POLICY_VIOLATION = 1008


class ApiMiddleware:
    """Lets requests in: authenticated, within the limits, in time."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._request_seconds = settings.request_timeout_seconds
        self._body_seconds = settings.body_timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":  # the api has none, and none may come past the token
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/"):  # answered like the path without it: a redirect would lose body and token
            scope["path"] = scope["path"].rstrip("/") or "/"
        if scope["method"] == "HEAD":
            await self._serve_head(scope, receive, send)
        elif PUBLIC_PATHS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._serve_member(scope, receive, send)

    async def _serve_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer like GET; the server leaves out the body, because it knows of HEAD."""
        as_get = {**scope, "method": "GET"}
        await self._serve(as_get, receive, send)
        if "route" in as_get:
            scope["route"] = as_get["route"]  # for the metrics

    async def _serve_member(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who is asking; without a valid token the request ends here."""
        state: State = scope["state"]
        try:
            member = await state["authentication"].member(scope["method"], Headers(scope=scope))
        except (InvalidToken, KeysUnavailable) as error:
            await authentication.refusal(Request(scope), error)(scope, receive, send)
            return
        writes = scope["method"] not in SAFE_METHODS
        verdict = state["limits"].consume(member.id, writes=writes)
        send = _with_limit_headers(send, state["limits"].policy, verdict)
        if not verdict.allowed:
            await _refuse_for_now(scope, receive, send, verdict)
        elif writes:
            await self._write(scope, receive, send, member)
        else:
            await self._read(scope, receive, send, member)

    async def _read(self, scope: Scope, receive: Receive, send: Send, member: Member) -> None:
        """Answer from the team's cache, else from the route, which may put its answer there."""
        state: State = scope["state"]
        generation = None
        if scope["path"] in CACHED_PATHS and scope["method"] == "GET":
            generation = state["cache"].generation(member.team_id)
            cached = generation and state["cache"].get(generation, scope["query_string"])
            if cached:
                await CacheableResponse(cached, Headers(scope=scope))(scope, receive, send)
                return
        scope["state"] = RequestState(**state, member=member, generation=generation)
        await self._in_time(scope, receive, send)

    async def _write(self, scope: Scope, receive: Receive, send: Send, member: Member) -> None:
        """Answer from the route, with a body of bounded size and time; the change is made known before the answer."""
        state: State = scope["state"]
        scope["state"] = RequestState(**state, member=member, generation=None)
        body = LimitedBody(scope["path"], Headers(scope=scope), receive, self._body_seconds)
        await self._in_time(scope, body.receive, _before_success(send, lambda: state["team_changed"](member.team_id)))

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_started(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._request_seconds):
                await self._app(scope, receive, send_started)
        except TimeoutError:
            if started:
                raise
            response = problems.answer(Request(scope), "too-slow", OUTCOME_UNKNOWN, headers=SOON)
            await response(scope, receive, send)


def _with_limit_headers(send: Send, policy: bytes, verdict: Verdict) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            limits = (b"ratelimit-policy", policy), (b"ratelimit", verdict.limit)
            message["headers"] = [*message["headers"], *limits]
        await send(message)

    return send_with_headers


def _before_success(send: Send, act: Callable[[], None]) -> Send:
    """`send` that calls `act` ahead of an answer that is no error."""

    async def send_after_act(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            act()
        await send(message)

    return send_after_act


async def _refuse_for_now(scope: Scope, receive: Receive, send: Send, verdict: Verdict) -> None:
    response = problems.answer(
        Request(scope),
        "too-many-requests",
        f"Wait {verdict.retry_after} seconds: RateLimit-Policy says how many are allowed",
        headers={"retry-after": str(verdict.retry_after)},
    )
    await response(scope, receive, send)
