"""The token gate: checks tokens in the background of the event loop, for callers that cannot wait."""

import asyncio
import time
from collections.abc import Callable

from rte_common.auth import InvalidToken, KeysUnavailable, Member, TokenVerifier
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Refused

REASON_CODES = {
    "bad-signature": "JwtSignatureError",
    "unknown-key": "JwtSignatureError",
    "no-active-team": "Unauthorized",
}
"""Codes of the token check, in the real server's words; any other is InvalidJWTToken."""


def reason(error: InvalidToken, token: str) -> str:
    """Why a token is refused, in the real server's words where applications look at them."""
    if error.code != "token-expired":
        return error.detail
    return authorization.expired(time.time() - (authorization.claims_of(token) or {}).get("exp", time.time()))


class TokenGate:
    """Checks one token after the other, each in a task of its own."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._tasks: set[asyncio.Task[None]] = set()

    def check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        """Call one of the two, soon."""
        task = asyncio.create_task(self._check(token, granted, refused))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        try:
            member = await self._verifier.verify(token)
        except InvalidToken as error:
            if authorization.claims_of(token) is None:
                refused(Refused(authorization.MALFORMED))
                return
            code = REASON_CODES.get(error.code, "InvalidJWTToken")
            refused(Refused(f"{code}: {reason(error, token)}"))
        except KeysUnavailable:
            refused(Refused("UnableToVerifyToken: The issuer's keys could not be fetched yet, try again"))
        else:
            granted(member)
