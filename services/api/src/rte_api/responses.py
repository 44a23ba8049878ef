"""Rows as JSON answers, without a second validation: the database has checked them already."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

NO_STORE = {"cache-control": "no-store"}


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    """`content` as JSON; times are written as RFC 3339."""
    return Response(orjson.dumps(content), status, headers, "application/json")
