"""The OpenAPI document: what FastAPI knows of the routes, and what the middleware does before them."""

import difflib
from collections.abc import Iterable
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from rte_api.expectations.schemas import ExpectationPage, ExpectationView
from rte_api.exports.schemas import ExportPage
from rte_api.members.schemas import Me, TeamMemberPage
from rte_api.notifications.schemas import NotificationPage, NotificationView
from rte_api.reports.schemas import ReportPage
from rte_common import problems
from rte_common.problem_types import PROBLEM_TYPES, tokens
from rte_common.problems import MEDIA_TYPE, ProblemDetails, ValidationDetails

CALLS = "/api/v1/"
"""Start of the paths that the middleware lets only members call."""
DESCRIPTION = (files("rte_api") / "openapi.md").read_text()
JSON = "application/json"
SERVERS = [{"url": "/", "description": "This host"}]
TAGS = [
    {"name": "expectations", "description": "What each member is on: one active at a time, then history"},
    {"name": "members", "description": "The caller's own profile and picture, and who is in the team"},
    {"name": "notifications", "description": "What a member was told: due soon, overdue, nothing set"},
    {"name": "exports", "description": "All of a member's own expectations as a file"},
    {"name": "reports", "description": "Weekly figures of the team"},
]
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Clerk session token. In development: `make token MEMBER=alex`",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__session",
        "description": "Clerk's session cookie; the request must come from an allowed origin",
    },
}
ANY_CALL = (
    *(kind.slug for kind in tokens.PROBLEM_TYPES),
    *("too-many-requests", "unexpected", "database-away", "database-read-only", "too-slow"),
)
WRITES = ("impersonated-session",)
BODIES = ("unreadable-body", "body-too-slow", "body-too-large")
JSON_BODIES = ("unsupported-media-type",)
WITH_NULLS = (
    *(ExpectationPage, ExpectationView, ExportPage, Me, TeamMemberPage, ReportPage),
    *(NotificationPage, NotificationView),
)
"""Models whose examples have nulls, which FastAPI leaves out."""
HEADERS: dict[str, tuple[str, str]] = {
    "ETag": ("For `If-Match` and `If-None-Match`", '"3-6d0ec8d0a4f1c0d2"'),
    "Location": ("Where the new thing is", "/api/v1/expectations/0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11"),
    "RateLimit": ("What is left of the minute, and its seconds", '"requests";r=99;t=60'),
    "Retry-After": ("Seconds to wait", "5"),
}


def install(app: FastAPI) -> None:
    """Make `app.openapi()` tell everything, 405 name the methods that it tells of, and 404 what is near."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # how FastAPI wants it

    async def wrong_method(request: Request, error: Exception) -> JSONResponse:
        # FastAPI's own answer names the methods of one route only, not of the path.
        path = request.url.path
        paths = document()["paths"].items()
        allowed = {method.upper() for template, methods in paths if _is(path, template) for method in methods}
        if "GET" in allowed or not allowed:  # the document tells of calls only; the other paths are pages
            allowed |= {"GET", "HEAD"}
        allow = ", ".join(sorted(allowed))
        return problems.answer(request, "method-not-allowed", f"Use one of {allow}", headers={"allow": allow})

    async def no_such_path(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
        path = request.url.path
        near = difflib.get_close_matches(path, document()["paths"], n=1, cutoff=0.85)
        meant = f"did you mean {near[0]}? " if near else ""
        return problems.answer(request, "not-found", f"There is nothing at this path: {meant}See /api/docs")

    app.add_exception_handler(405, wrong_method)
    app.add_exception_handler(404, no_such_path)


def _is(path: str, template: str) -> bool:
    return compile_path(template)[0].match(path) is not None


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=TAGS, servers=SERVERS
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (ProblemDetails, ValidationDetails):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for shown in WITH_NULLS:
        schemas[shown.__name__]["examples"] = shown.model_json_schema()["examples"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["examples"] = {
        slug: {"summary": kind.title, "value": kind.example()} for slug, kind in PROBLEM_TYPES.items()
    }
    components["securitySchemes"] = SECURITY_SCHEMES
    components["headers"] = {
        name: {"description": text, "schema": {"type": "string"}, "example": example}
        for name, (text, example) in HEADERS.items()
    }
    document["security"] = [{"bearer": []}, {"cookie": []}]
    for path, operations in document["paths"].items():
        if path.startswith(CALLS):
            for method, operation in operations.items():
                _complete(operation, schemas, writes=method != "get")
    return document


def _complete(operation: dict[str, Any], schemas: dict[str, Any], *, writes: bool) -> None:
    operation["summary"], _, rest = operation["description"].partition(".")
    operation["description"] = rest.strip()
    if not operation["description"]:
        del operation["description"]
    for parameter in operation.get("parameters", []):
        _without_null(parameter["schema"])
    operation.get("parameters", []).sort(key=lambda parameter: parameter["name"] in ("limit", "cursor"))
    responses = {int(status): response for status, response in operation["responses"].items()}
    own = responses.get(422, {})
    if MEDIA_TYPE not in own.get("content", {}):
        responses.pop(422, None)  # FastAPI's, of another form
    content = operation.get("requestBody", {}).get("content", {})
    slugs = (
        *ANY_CALL,
        *(WRITES if writes else ()),
        *(BODIES if content else ()),
        *(JSON_BODIES if JSON in content else ()),
    )
    for slug in slugs:
        problems.document(responses, PROBLEM_TYPES[slug])
    problems.document(responses, PROBLEM_TYPES["invalid-input"], schema="ValidationDetails")
    for status, response in responses.items():
        response.setdefault("headers", {}).update(_headers(status, operation["operationId"]))
        if JSON in response.get("content", {}):
            response["description"] = _exemplify(response["content"][JSON], schemas)
        elif status == HTTPStatus.NO_CONTENT:
            response["description"] = "It is done; there is no body"
    if JSON in content:
        _exemplify(content[JSON], schemas)
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _without_null(schema: dict[str, Any]) -> None:
    """What is left out of an address or a header is not null: generators would make a type of that."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0] | schema)


def _exemplify(content: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Show the first example of the schema where it is used; return what the schema is."""
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    content["example"] = schema["examples"][0]
    return str(schema["description"])


def _headers(status: int, operation: str) -> dict[str, Any]:
    names: Iterable[str] = ["RateLimit"] if status != 401 else []
    if status == 201:
        names = [*names, "Location"]
    if status in (200, 201) and operation.endswith(("_expectation", "list_expectations")):
        names = [*names, "ETag"]
    if status in (429, 503):
        names = [*names, "Retry-After"]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
