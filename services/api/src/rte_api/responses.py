"""Rows as JSON answers, without a second validation: the database has checked them already."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from rte_api.cache import CachedResponse
from rte_api.etags import etag, matches
from rte_api.idempotency import Created
from rte_api.state import RequestState

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


def cacheable(request: Request, content: Any, *, for_team: bool) -> Response:
    """What the caller may cache, with a strong ETag to ask about it; `for_team` puts it into the team's cache."""
    response = CachedResponse.of(orjson.dumps(content))
    state: RequestState = request.scope["state"]
    if for_team and state["generation"] is not None:
        state["cache"].put(state["member"].team_id, state["generation"], request.scope["query_string"], response)
    return CacheableResponse(response, request.headers)


class CacheableResponse(Response):
    """A response for the team; 304 when the caller has it."""

    def __init__(self, cached: CachedResponse, request_headers: Headers) -> None:
        fresh = matches(request_headers, cached.etag)
        headers = {"etag": cached.etag, "cache-control": cached.cache_control, "vary": "authorization, cookie"}
        super().__init__(None if fresh else cached.body, 304 if fresh else 200, headers, "application/json")
