"""Authorization: who may listen to which channel, and write to it.

Decided once per token and topic; the team comes from the token, never from the topic.
"""

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import orjson

from rte_common.auth import Member

TEAM_CHANNEL = "expectations:active"
"""Name of the channel of a whole team."""
MALFORMED = "MalformedJWT: The token provided is not a valid JWT"
"""The real server's words for what has three parts like a token and is none."""
MEMBER_CHANNEL = "expectations:user:"
"""Beginning of the name of a member's own channel; the user id follows."""


class Refused(Exception):
    """A request that is not granted; the reason, `<Code>: <text>`, is what the client is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions of a member on one channel."""

    member: Member
    user_id: str | None
    """User whose changes alone are delivered; None: the whole team's."""
    may_write: bool
    """Whether the member may broadcast and be present."""


def decide(member: Member, channel: str) -> Grant:
    """The grant of the member on the channel; raises Refused."""
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
    """The user whose channel it is, None for the team's; raises Refused for channels that do not exist."""
    if channel == TEAM_CHANNEL:
        return None
    if not channel:
        raise Refused("TopicNameRequired: You must provide a topic name")
    owner = channel.removeprefix(MEMBER_CHANNEL)
    if not channel.startswith(MEMBER_CHANNEL) or not owner:
        raise Refused(f"Unauthorized: There is no channel {channel}: use {TEAM_CHANNEL} or {MEMBER_CHANNEL}<user id>")
    return owner


def session_token(text: str | None) -> str | None:
    """Session token in the text; None if it cannot be one: some clients send a publishable key (`sb_...`) instead."""
    return text if text is not None and text.count(".") == 2 else None


def claims_of(token: str) -> dict[str, Any] | None:
    """What a token says of itself, without any proof; None if it is no JWT."""
    header, _, rest = token.partition(".")
    claims, _, _ = rest.partition(".")
    try:
        read = [orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)]
    except ValueError:
        return None
    return read[1] if all(isinstance(part, dict) for part in read) else None


def expired(seconds: float) -> str:
    """The real server's words for a token that has expired so many seconds ago."""
    return f"Token has expired {max(0, int(seconds))} seconds ago"
