"""Rows as JSON answers, without a second validation: the database has checked them already."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from rte_api.cache import Answer
from rte_api.conditional import etag, matches
from rte_api.idempotency import Created

NO_STORE = {"cache-control": "no-store"}


def json_response(content: Any, headers: Mapping[str, str] = NO_STORE) -> Response:
    """`content` as JSON; times are written as RFC 3339."""
    return Response(orjson.dumps(content), 200, headers, "application/json")


def created(answer: Created) -> Response:
    """201 with the new thing, or with the answer of the request that made it."""
    headers = NO_STORE | {"location": answer.location}
    if version := orjson.loads(answer.body).get("version"):
        headers["etag"] = etag(version, answer.body)
    if answer.replayed:
        headers["idempotency-replayed"] = "true"
    return Response(answer.body, 201, headers, "application/json")


def changed(item: dict[str, Any]) -> Response:
    """One thing after its change, with its new ETag."""
    body = orjson.dumps(item)
    return Response(body, 200, NO_STORE | {"etag": etag(item["version"], body)}, "application/json")


def versioned(request: Request, item: dict[str, Any]) -> Response:
    """One thing with its ETag; 304 when the caller has exactly this."""
    body = orjson.dumps(item)
    headers = {"cache-control": "private, no-cache", "etag": etag(item["version"], body)}
    if matches(request.headers, headers["etag"]):
        return Response(None, 304, headers)
    return Response(body, 200, headers, "application/json")


def shared(request: Request, content: Any, max_age: int, *, keep: bool) -> Response:
    """What may be read for `max_age` seconds, with a strong ETag; `keep` it in the team's cache if all may have it."""
    answer = Answer.made(orjson.dumps(content), max_age)
    state = request.scope["state"]
    if keep and state["shelf"] is not None:
        state["wiring"].cache.keep(state["member"].team_id, state["shelf"], request.scope["query_string"], answer)
    return SharedResponse(answer, request.headers)


class SharedResponse(Response):
    """An answer for the team; 304 when the caller has it."""

    def __init__(self, answer: Answer, asked_with: Headers) -> None:
        fresh = matches(asked_with, answer.etag)
        headers = {"etag": answer.etag, "cache-control": answer.cache_control, "vary": "authorization, cookie"}
        super().__init__(None if fresh else answer.body, 304 if fresh else 200, headers, "application/json")
