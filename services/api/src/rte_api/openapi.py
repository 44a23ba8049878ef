"""The OpenAPI document: what FastAPI knows of the routes, and what the admission does before them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from rte_api.admission import PREFIX
from rte_common import problems
from rte_common.problems import MEDIA_TYPE, ProblemDetails, ValidationDetails

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Clerk session token"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__session",
        "description": "Clerk's session cookie; the request must come from an allowed origin",
    },
}
COMMON = {
    "401": "No token, or one that proves nothing: `no-token`, `malformed-token`, `bad-signature`, `unknown-key`,"
    " `token-expired`, `token-not-yet-valid`, `wrong-issuer`, `wrong-party`, `missing-claim`, `pending-session`,"
    " `wrong-origin`",
    "403": "`no-active-team`: the session has no active organization",
    "429": "`too-many-requests`: more than the member may send in a minute",
    "503": "`database-away`, `database-read-only`, `keys-unavailable`, `too-slow`: try again after `Retry-After`",
}
WRITES = {
    "400": "`unreadable-body`: the body is not text in UTF-8",
    "403": "`impersonated-session`: an impersonated session only reads",
    "408": "`body-too-slow`: the body did not arrive in time",
    "413": "`body-too-large`: the body is too large",
}


def install(app: FastAPI) -> None:
    """Make `app.openapi()` tell everything, and 405 name the methods that it tells of."""

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
        headers = {"allow": ", ".join(sorted(allowed))} if allowed else {}
        detail = f"Use one of {headers['allow']}" if allowed else "This path takes no such method"
        return problems.answer(request, 405, "method-not-allowed", "Method Not Allowed", detail, headers=headers)

    app.add_exception_handler(405, wrong_method)


def _is(path: str, template: str) -> bool:
    return compile_path(template)[0].match(path) is not None


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (ProblemDetails, ValidationDetails):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = SECURITY_SCHEMES
    document["security"] = [{"bearer": []}, {"cookie": []}]
    for path, operations in document["paths"].items():
        if path.startswith(PREFIX):
            for method, operation in operations.items():
                _complete(operation, writes=method != "get")
    return document


def _complete(operation: dict[str, Any], *, writes: bool) -> None:
    responses = operation["responses"]
    for status, description in COMMON.items():
        _add(responses, status, description, "ProblemDetails")
    if writes:
        for status, description in WRITES.items():
            _add(responses, status, description, "ProblemDetails")
    own = responses.pop("422", {}).get("description", "")
    _add(responses, "422", "`invalid-input`: `errors` names each field and what was expected", "ValidationDetails")
    if own and own != "Validation Error":
        responses["422"]["description"] += f"\n\n{own}"
        schemas = [{"$ref": f"#/components/schemas/{name}"} for name in ("ValidationDetails", "ProblemDetails")]
        responses["422"]["content"][MEDIA_TYPE]["schema"] = {"anyOf": schemas}


def _add(responses: dict[str, Any], status: str, description: str, schema: str) -> None:
    known = responses.get(status, {}).get("description")
    responses[status] = {
        "description": f"{known}\n\n{description}" if known else description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
