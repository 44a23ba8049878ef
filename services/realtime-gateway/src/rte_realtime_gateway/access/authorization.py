"""Who may listen to what. Decided once per token and topic; the team comes from the token, never from the topic."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from rte_common.auth import InvalidToken, KeysUnavailable, Member, TokenVerifier

log = structlog.get_logger(__name__)

TEAM_CHANNEL = "expectations:active"
MEMBER_CHANNEL = "expectations:user:"

REASON_CODES = {
    "malformed-token": "MalformedJWT",
    "bad-signature": "JwtSignatureError",
    "unknown-key": "JwtSignatureError",
    "no-active-team": "Unauthorized",
}
"""Codes of the token check, in the real server's words; any other is InvalidJWTToken."""


class Refused(Exception):
    """The reason, as `<Code>: <text>`, is what the client is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """What a member may do on one channel."""

    member: Member
    user_id: str | None
    """Only this user's changes; None: the whole team's."""
    may_write: bool
    """Broadcast and be present."""


def decide(member: Member, channel: str) -> Grant:
    """What the member may do on the channel; raises Refused."""
    may_write = member.impersonator is None
    if channel == TEAM_CHANNEL:
        return Grant(member, None, may_write)
    owner = owner_of(channel)
    if owner == member.id:
        return Grant(member, owner, may_write)
    if member.role == "admin":
        return Grant(member, owner, may_write=False)
    raise Refused(f"Unauthorized: You do not have permissions to read from this Channel topic: {channel}")


def owner_of(channel: str) -> str | None:
    """Whose channel it is, None for the team's; raises Refused for channels that do not exist."""
    if channel == TEAM_CHANNEL:
        return None
    if not channel:
        raise Refused("TopicNameRequired: You must provide a topic name")
    owner = channel.removeprefix(MEMBER_CHANNEL)
    if not channel.startswith(MEMBER_CHANNEL) or not owner:
        raise Refused(f"Unauthorized: There is no channel {channel}: use {TEAM_CHANNEL} or {MEMBER_CHANNEL}<user id>")
    return owner


def session_token(text: str | None) -> str | None:
    """The text, if it can be a session token at all: publishable keys (`sb_...`) take its place in some clients."""
    return text if text is not None and text.count(".") == 2 else None


class TokenGate:
    """Checks tokens in the background of a loop, for callers that cannot wait."""

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
            code = REASON_CODES.get(error.code, "InvalidJWTToken")
            refused(Refused(f"{code}: {error.detail}"))
        except KeysUnavailable:
            refused(Refused("UnableToVerifyToken: The issuer's keys could not be fetched yet, try again"))
        else:
            granted(member)
