"""Errors in Clerk's shape."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from rte_devstack.clerk.tokens import new_id


class ClerkError(Exception):
    """A refusal; `code` is what clients switch on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found(what: str, id: str) -> ClerkError:
    """Make the 404 for a thing that is not there."""
    return ClerkError(404, "resource_not_found", f"No {what} was found with id {id}.")


def install(app: FastAPI) -> None:
    """Answer ClerkError and invalid bodies as the Backend API does."""

    @app.exception_handler(ClerkError)
    async def refused(_: Request, error: ClerkError) -> JSONResponse:
        return _answer(error.status, [(error.code, error.message)])

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        found = [(_code(e["type"]), f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}") for e in error.errors()]
        return _answer(422, found)


def _code(pydantic_type: str) -> str:
    return {"missing": "form_param_missing", "extra_forbidden": "form_param_unknown"}.get(
        pydantic_type, "form_param_format_invalid"
    )


def _answer(status: int, found: list[tuple[str, str]]) -> JSONResponse:
    errors = [{"message": message, "long_message": message, "code": code, "meta": {}} for code, message in found]
    return JSONResponse({"errors": errors, "clerk_trace_id": new_id("trace")}, status)
