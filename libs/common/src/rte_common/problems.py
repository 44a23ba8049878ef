"""Errors that clients see: RFC 9457 problem details, `application/problem+json`, with a stable `type`."""

import inspect
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
SLUGS = {
    400: "unreadable-body",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    413: "body-too-large",
}
"""Types of what the framework and the admission refuse by status alone."""


class Problem(Exception):
    """An expected refusal. A subclass's docstring is the title that clients read; `type` is a slug that never changes.

    Keyword arguments become extension members of the answer; `headers` are sent with it.
    """

    type: ClassVar[str] = "about:blank"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions

    @classmethod
    def title(cls) -> str:
        """What went wrong, the same for each occurrence."""
        return inspect.cleandoc(cls.__doc__ or "").splitlines()[0]


class ProblemDetails(BaseModel):
    """An error as every call answers it (RFC 9457). Other members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/not-found"], description="Stable: compare this, never the texts")
    title: str
    status: int
    detail: str = Field(description="What to do about it, for this occurrence")
    instance: str = Field(description="The path that was asked for")


class FieldError(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(examples=["/title"], description="JSON pointer into the body, or the parameter's name")
    expected: str


class ValidationDetails(ProblemDetails):
    """The input does not have the documented form."""

    errors: list[FieldError]


def may_raise(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that raises these problems; those that share a status are listed together."""
    responses: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = responses.setdefault(
            problem.status,
            {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}},
        )
        line = f"`{problem.type}`: {problem.title()}"
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
    return responses


def answer(request: Request, status: int, slug: str, title: str, detail: str, **extensions: Any) -> JSONResponse:
    """The problem as a response."""
    body = {
        "type": slug if slug == "about:blank" else f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    headers = {"cache-control": "no-store"} | extensions.pop("headers", {})
    return JSONResponse(body | extensions, status, headers, MEDIA_TYPE)


def unexpected(request: Request) -> JSONResponse:
    """What is told of an error that nobody thought of: nothing."""
    return answer(request, 500, "unexpected", "Something broke on our side", "Try again; tell us the X-Request-Id")


def install(app: FastAPI) -> None:
    """Make the errors of `app` problems: refusals, bad input and unknown routes. RequestContext adds the unexpected."""

    async def refused(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, Problem)  # noqa: S101  # what it is registered for
        log.info("request_refused", problem=problem.type, detail=problem.detail)
        extensions = problem.extensions | {"headers": problem.headers}
        return answer(request, problem.status, problem.type, problem.title(), problem.detail, **extensions)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        errors = [{"pointer": _pointer(e["loc"]), "expected": _expected(e)} for e in error.errors()]
        named = ", ".join(e["pointer"] for e in errors)
        return answer(
            request, 422, "invalid-input", "The input does not have the documented form", f"See {named}", errors=errors
        )

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        slug = SLUGS.get(error.status_code, "about:blank")
        title = HTTPStatus(error.status_code).phrase
        extensions = {"headers": dict(error.headers or {})}
        return answer(request, error.status_code, slug, title, str(error.detail), **extensions)

    async def left(request: Request, _: Exception) -> JSONResponse:
        # Nobody reads the answer: it is for the log and the metrics, where nothing of ours has failed.
        return answer(request, 400, SLUGS[400], "Bad Request", "The connection ended before the body had come")

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, left)


def _expected(error: Mapping[str, Any]) -> str:
    """Pydantic's words, without what it puts before ours."""
    if error["type"] == "extra_forbidden":
        return "no such name: nothing is known by it"
    return str(error["msg"]).removeprefix("Value error, ")


def _pointer(loc: tuple[Any, ...]) -> str:
    """FastAPI's location as clients know it: a JSON pointer for the body, `query/limit` for the rest."""
    where, *rest = loc
    if where == "body" and rest and isinstance(rest[0], int) and len(rest) == 1:
        return ""  # not JSON at all: the number is the offset of the mistake
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    return f"/{path}" if where == "body" and path else path if where == "body" else f"{where}/{path}"
