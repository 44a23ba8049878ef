"""Errors that clients see: RFC 9457 problem details, `application/problem+json`, with a stable `type`."""

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

from rte_common import input_errors
from rte_common.problem_types import PROBLEM_TYPES, ProblemType

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
SLUGS = {
    400: "unreadable-body",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    413: "body-too-large",
}
"""Problem types by status, for what the framework and the middleware refuse."""


class Problem(Exception):
    """An expected refusal. A subclass names its type; the catalogue, `rte_common.problem_types`, has status and title.

    Keyword arguments become extension members of the answer; `headers` are sent with it.
    """

    type: ClassVar[str]
    kind: ClassVar[ProblemType]

    def __init_subclass__(cls) -> None:
        if cls.type not in PROBLEM_TYPES:
            raise TypeError(f"{cls.__name__}: describe the problem type {cls.type!r} in rte_common.problem_types first")
        cls.kind = PROBLEM_TYPES[cls.type]

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions


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
    got: str | None = Field(None, description="What was sent instead, in words")


class ValidationDetails(ProblemDetails):
    """The input does not have the documented form."""

    errors: list[FieldError]


def may_raise(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that raises these problems."""
    responses: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        document(responses, problem.kind)
    return responses


def document(responses: dict[Any, dict[str, Any]], kind: ProblemType, *, schema: str = "ProblemDetails") -> None:
    """Add the type to an operation's `responses`; types that share a status are listed together."""
    reference = {"$ref": f"#/components/schemas/{schema}"}
    response = responses.setdefault(
        kind.status, {"description": "", "content": {MEDIA_TYPE: {"schema": reference, "examples": {}}}}
    )
    content = response["content"][MEDIA_TYPE]
    if kind.slug not in content["examples"]:
        line = f"[`{kind.slug}`]({kind.uri}): {kind.when}"
        response["description"] = f"{response['description']}\n\n{line}".strip()
        content["examples"][kind.slug] = {"$ref": f"#/components/examples/{kind.slug}"}
    if content["schema"] != reference:
        known = content["schema"].get("anyOf", [content["schema"]])
        content["schema"] = {"anyOf": [*known, reference]} if reference not in known else content["schema"]


def answer(request: Request, slug: str, detail: str, **extensions: Any) -> JSONResponse:
    """The problem of that type as a response; `headers` are sent with it."""
    kind = PROBLEM_TYPES[slug]
    return _response(kind.status, kind.body(detail, request.url.path), extensions)


def _response(status: int, body: Mapping[str, Any], extensions: dict[str, Any]) -> JSONResponse:
    headers = {"cache-control": "no-store"} | extensions.pop("headers", {})
    return JSONResponse({**body, **extensions}, status, headers, MEDIA_TYPE)


def unexpected(request: Request) -> JSONResponse:
    """Answer to an error that nobody thought of, which tells nothing of it."""
    return answer(request, "unexpected", "Try again; tell us the X-Request-Id")


def install(app: FastAPI) -> None:
    """Make the errors of `app` problems: refusals, bad input and unknown routes. RequestContext adds the unexpected."""

    async def refused(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, Problem)  # noqa: S101  # what it is registered for
        log.info("request_refused", problem=problem.type)  # the detail may repeat what was sent
        return answer(request, problem.type, problem.detail, **problem.extensions, headers=problem.headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        errors = [input_errors.described(found, request.scope.get("route")) for found in error.errors()]
        detail = "; ".join(found.sentence for found in errors)
        return answer(request, "invalid-input", detail, errors=[found.member() for found in errors])

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        headers = dict(error.headers or {})
        if slug := SLUGS.get(error.status_code):
            return answer(request, slug, str(error.detail), headers=headers)
        body = {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": str(error.detail),
            "instance": request.url.path,
        }
        return _response(error.status_code, body, {"headers": headers})

    async def left(request: Request, _: Exception) -> JSONResponse:
        # Nobody reads the answer: it is for the log and the metrics, where nothing of ours has failed.
        return answer(request, SLUGS[400], "The connection ended before the body had come")

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, left)
