"""Refusals in Storage's shape.

The HTTP status is 400 for nearly every refusal and the true one is `statusCode` in the body: the real server's legacy
behaviour, on which clients rely.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse


class StorageError(Exception):
    """A refusal. `code` is what clients switch on; `error` is its older name."""

    def __init__(self, status: int, error: str, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"statusCode": str(status), "error": error, "message": message, "code": code}


def no_such_bucket() -> StorageError:
    """Also the answer to a download without a valid token."""
    return StorageError(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def no_such_key() -> StorageError:
    """Also the answer where a policy hides the object."""
    return StorageError(404, "not_found", "Object not found", "NoSuchKey")


def bucket_exists() -> StorageError:
    """A bucket of this id is there."""
    return StorageError(409, "Duplicate", "The resource already exists", "BucketAlreadyExists")


def key_exists() -> StorageError:
    """An object is there, and the upload did not ask to replace it."""
    return StorageError(409, "Duplicate", "The resource already exists", "KeyAlreadyExists")


def invalid_key(key: str) -> StorageError:
    """The key has characters that Storage refuses."""
    return StorageError(400, "InvalidKey", f"Invalid key: {key}", "InvalidKey")


def invalid_mime_type(mime: str) -> StorageError:
    """The bucket takes other types only."""
    return StorageError(415, "invalid_mime_type", f"mime type {mime} is not supported", "InvalidMimeType")


def too_large() -> StorageError:
    """More bytes than the bucket, or the server, takes."""
    message = "The object exceeded the maximum allowed size"
    return StorageError(413, "Payload too large", message, "EntityTooLarge")


def access_denied(message: str = "new row violates row-level security policy") -> StorageError:
    """A policy forbids the change, or the token is no good."""
    return StorageError(403, "Unauthorized", message, "AccessDenied")


def not_empty() -> StorageError:
    """Only empty buckets can be deleted."""
    message = "The bucket you tried to delete is not empty"
    return StorageError(409, "ResourceNotEmpty", message, "ResourceNotEmpty")


def invalid_signature() -> StorageError:
    """The signed URL's token was made for something else."""
    return StorageError(400, "InvalidSignature", "Invalid signature", "InvalidSignature")


def invalid_jwt(message: str) -> StorageError:
    """The signed URL's token is malformed or has expired."""
    return StorageError(400, "InvalidJWT", message, "InvalidJWT")


def invalid_request(message: str) -> StorageError:
    """The request lacks something, or has it wrong."""
    return StorageError(400, "Error", message, "InvalidRequest")


class StorageResponse(JSONResponse):
    """JSON as the real server labels it."""

    media_type = "application/json; charset=utf-8"


def install(app: FastAPI) -> None:
    """Answer refusals, invalid bodies and unknown routes as the real server does."""

    @app.exception_handler(StorageError)
    async def refused(_: Request, error: StorageError) -> StorageResponse:
        return StorageResponse(error.body, 400)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> StorageResponse:
        return StorageResponse(invalid_request(_sentence(error.errors()[0])).body, 400)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        path = request.url.path.removeprefix("/storage/v1") + (f"?{request.url.query}" if request.url.query else "")
        message = f"Route {request.method}:{path} not found"
        return JSONResponse(StorageError(404, "Not Found", message, "InvalidRequest").body, 404)


def _sentence(error: Mapping[str, Any]) -> str:
    where = "querystring" if error["loc"][0] == "query" else error["loc"][0]
    rest = "/".join(map(str, error["loc"][1:]))
    if error["type"] == "missing":
        return f"{where} must have required property '{error['loc'][-1]}'"
    if error["type"] == "greater_than_equal":
        return f"{where}/{rest} must be >= {error['ctx']['ge']}"
    return f"{where}/{rest} {error['msg']}"
