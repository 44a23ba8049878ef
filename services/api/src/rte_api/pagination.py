"""Pagination by keyset: a cursor names the last item seen, so nothing is skipped or repeated while rows are added."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi.exceptions import RequestValidationError

Position = tuple[datetime, UUID]
"""Position of an item in a list that is ordered by time, newest first."""


def encode(position: tuple[datetime | str, UUID | str]) -> str:
    """The position as an opaque cursor."""
    text = orjson.dumps(position)
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(cursor: str) -> Position:
    """The position in a cursor; RequestValidationError when we did not make it."""
    try:
        at, id_ = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=="))
        moment, last_id = datetime.fromisoformat(at), UUID(id_)
        utc = moment.astimezone(UTC)  # here, because the ends of the calendar overflow in some offsets
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise invalid_cursor(cursor) from error
    if moment.tzinfo is None:
        raise invalid_cursor(cursor)
    return utc, last_id


def invalid_cursor(cursor: str) -> RequestValidationError:
    """The refusal of a cursor that no page gave."""
    expected = "`next_cursor` of the page before, unchanged"
    return RequestValidationError([{"type": "cursor", "loc": ("query", "cursor"), "msg": expected, "input": cursor}])


def page(items: list[dict[str, Any]], limit: int, time: str) -> dict[str, Any]:
    """The first `limit` of `items`, which hold one more when there is another page; `time` is the key of the order."""
    following = len(items) > limit
    shown = items[:limit]
    last = shown[-1] if following else None
    return {"items": shown, "next_cursor": encode((last[time], last["id"])) if last else None}
