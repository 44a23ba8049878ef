"""Who is asking: a bearer token, or Clerk's session cookie when the page's origin is one of ours."""

import base64
import hashlib

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse

from rte_api import token_refusals
from rte_api.settings import Settings
from rte_common import problems
from rte_common.auth import InvalidToken, KeysUnavailable, Member, NoActiveTeam, TokenVerifier

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication:
    """Finds the token of a request and has it checked."""

    def __init__(self, settings: Settings, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._origins = frozenset(settings.clerk_authorized_parties)
        self._cookies = _cookie_names(settings.clerk_publishable_key)

    async def member(self, method: str, headers: Headers) -> Member:
        """Return who sent a request with `method` and `headers`; raise InvalidToken, or KeysUnavailable."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise token_refusals.other_scheme(headers["authorization"])
            token = token.strip()
        else:
            token = self._cookie(method, headers)
        try:
            return await self._verifier.verify(token)
        except InvalidToken as error:
            raise token_refusals.explained(error, token) from error

    def _cookie(self, method: str, headers: Headers) -> str:
        cookies = cookie_parser(headers.get("cookie", ""))
        token = next((cookies[name] for name in self._cookies if cookies.get(name)), None)
        if token is None:
            raise InvalidToken("no-token", f"{token_refusals.HOW_TO_SEND}; {token_refusals.WHERE_FROM}")
        # A browser adds the cookie by itself, whichever page asked; the origin tells which one it was.
        origin = headers.get("origin")
        if origin not in self._origins and not (origin is None and method in SAFE_METHODS):
            raise InvalidToken("wrong-origin", "With the session cookie, requests must come from an allowed origin")
        return token


def _cookie_names(publishable_key: str | None) -> tuple[str, ...]:
    """The suffixed cookie first: it belongs to this Clerk instance for sure."""
    if publishable_key is None:
        return ("__session",)
    digest = hashlib.sha1(publishable_key.encode(), usedforsecurity=False).digest()
    return (f"__session_{base64.urlsafe_b64encode(digest).decode()[:8]}", "__session")


def refusal(request: Request, error: InvalidToken | KeysUnavailable) -> JSONResponse:
    """The answer to a request whose sender is not known."""
    match error:
        case KeysUnavailable():
            return problems.answer(request, "keys-unavailable", str(error), headers={"retry-after": "1"})
        case NoActiveTeam():
            return problems.answer(request, error.code, error.detail)
    challenge = f'Bearer error="invalid_token", error_description="{error.detail}"'
    headers = {"www-authenticate": "Bearer" if error.code == "no-token" else challenge}
    return problems.answer(request, error.code, error.detail, headers=headers)
