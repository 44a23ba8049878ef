"""The JSON of a request's body, read strictly: what is wrong with it is told in words, before its fields are judged."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from rte_common.problems import Problem

WHAT_TO_SEND = "Send a JSON object with Content-Type: application/json"
MAX_FOUND_CHARACTERS = 12
"""Length of the extract that shows a mistake in the body."""


class UnreadableBody(Problem):
    """The body is no JSON."""

    type = "unreadable-body"


class UnsupportedMediaType(Problem):
    """The body says that it is something else than JSON."""

    type = "unsupported-media-type"


class JsonRoute(APIRoute):
    """A route whose body is one JSON object."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, which is given a body that is known to be JSON."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_strictly(request: Request) -> Response:
            parsed = _ParsedRequest(request.scope, request.receive)
            await parsed.parse()
            return await handle(parsed)

        return read_strictly


class _ParsedRequest(Request):
    _object: dict[str, Any]

    async def parse(self) -> None:
        self._object = parsed(await self.body(), self.headers.get("content-type"))

    async def json(self) -> dict[str, Any]:
        return self._object


def parsed(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The object that `body` holds. Raises UnreadableBody, UnsupportedMediaType, and RequestValidationError."""
    if not body.strip():
        raise UnreadableBody(f"There is no body. {WHAT_TO_SEND}")
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        said = f"The Content-Type is {kind[:100]}" if kind else "There is no Content-Type"
        raise UnsupportedMediaType(f"{said}. {WHAT_TO_SEND}")
    value = _value(body)
    if not isinstance(value, dict):
        raise RequestValidationError([{"type": "dict_type", "loc": ("body",), "msg": "", "input": value}])
    return value


def _value(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"The body is not UTF-8: byte {error.start + 1} belongs to no character") from error
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        found = text[error.pos :].split("\n")[0][:MAX_FOUND_CHARACTERS].strip()
        raise UnreadableBody(
            f"The body is not JSON: {error.msg[0].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno},"
            f" found {f'`{found}`' if found else 'the end'}"
        ) from error
    except RecursionError as error:
        raise UnreadableBody("The body has too many levels of brackets") from error
    except ValueError as error:  # int() takes 4,300 digits
        raise UnreadableBody("The body has a number of too many digits") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableBody(f"The name {json.dumps(twice[:60])} is given twice in one object: send it once")
    return named


def _no_number(word: str) -> NoReturn:
    raise UnreadableBody(f"The body is not JSON: {word} is no number there, send null or leave it out")
