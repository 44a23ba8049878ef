"""Who asks, what they may do, and the tokens inside signed URLs."""

import secrets
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jwt
from fastapi import Header

from rte_devstack.storage import errors
from rte_devstack.storage.settings import Settings

Operation = Literal["select", "insert", "update", "delete"]
Authorization = Annotated[str | None, Header()]
UpsertHeader = Annotated[bool, Header()]
"""`x-upsert: true`: replace what is there."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A role of the database, and for `authenticated` the user's id."""

    role: str
    user_id: str = ""

    def may(self, operation: Operation, bucket: str, key: str) -> bool:
        """Tell whether the policies on storage.objects allow it; `service_role` bypasses them.

        The policies of the recorded set-up: p1, insert into avatars in one's own folder; p2, select from exports where
        the second folder is one's own.
        """
        if self.role == "service_role":
            return True
        folders = key.split("/")[:-1]
        if operation == "insert":
            return bucket == "avatars" and folders[:1] == [self.user_id] and self.role == "authenticated"
        if operation == "select":
            return bucket == "exports" and folders[1:2] == [self.user_id] and self.role == "authenticated"
        return False

    def require_service(self) -> None:
        """Refuse everybody but `service_role`: buckets have no policies."""
        if self.role != "service_role":
            raise errors.access_denied()


class Access:
    """Tells callers apart, and signs and checks the tokens of signed URLs."""

    def __init__(self, settings: Settings) -> None:
        self._service_key = settings.supabase_service_key
        self._anon_key = settings.supabase_anon_key
        self._secret = settings.supabase_jwt_secret

    def caller(self, authorization: str | None) -> Caller:
        """Return who a request speaks for; refuse a missing or bad token."""
        if authorization is None:
            raise errors.invalid_request("headers must have required property 'authorization'")
        token = authorization.removeprefix("Bearer ")
        if secrets.compare_digest(token.encode(), self._service_key.encode()):
            return Caller("service_role")
        if secrets.compare_digest(token.encode(), self._anon_key.encode()):
            return Caller("anon")
        try:
            claims = self._decode(token)
        except jwt.InvalidTokenError as error:
            raise errors.access_denied(_said_by_jose(error)) from error
        return Caller(str(claims.get("role", "anon")), str(claims.get("sub", "")))

    def reader(self, authorization: str | None) -> Caller:
        """Return who wants to read; the real server says "no such bucket" where the token is missing or bad."""
        try:
            return self.caller(authorization)
        except errors.StorageError:
            raise errors.no_such_bucket() from None

    def sign(self, use: Literal["download", "upload"], bucket: str, key: str, seconds: int, **more: Any) -> str:
        """Make the token of a URL that opens one object for so many seconds."""
        now = int(time.time())
        claims = {"use": use, "url": f"{bucket}/{key}", "iat": now, "exp": now + seconds, **more}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def opened(self, use: Literal["download", "upload"], bucket: str, key: str, token: str | None) -> dict[str, Any]:
        """Return the claims of a signed URL's token; refuse one that is missing, expired or for something else."""
        if token is None:
            raise errors.invalid_request("querystring must have required property 'token'")
        try:
            claims = self._decode(token)
        except jwt.InvalidTokenError as error:
            raise errors.invalid_jwt(_said_by_jose(error)) from error
        if (claims.get("use"), claims.get("url")) != (use, f"{bucket}/{key}"):
            raise errors.invalid_signature()
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        options: Any = {"require": ["exp"], "verify_aud": False}
        return jwt.decode(token, self._secret, algorithms=["HS256"], options=options)


def _said_by_jose(error: jwt.InvalidTokenError) -> str:
    """Return the real server's words for it; its tokens are checked by the JavaScript library jose."""
    if isinstance(error, jwt.ExpiredSignatureError):
        return '"exp" claim timestamp check failed'
    if isinstance(error, jwt.InvalidSignatureError):
        return "signature verification failed"
    return "Invalid Compact JWS"
