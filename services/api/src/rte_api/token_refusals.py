"""What is wrong with a session token, in words for whoever sent it. No word of the token itself is repeated."""

import re
import time
from datetime import UTC, datetime

import jwt

from rte_common.auth import InvalidToken

HOW_TO_SEND = "Send the session token as `Authorization: Bearer <token>`"
WHERE_FROM = "`getToken()` of Clerk's SDK gives one, in development `make token MEMBER=alex` prints one"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,19}")
NOTHING = {"undefined", "null", "none", "nil", "nan", "true", "false", "[object promise]", "[object object]"}
"""Words that programs write where there is no token."""
VARIABLE = re.compile(r"\$\{?\w+\}?|\$\(.*|\{\{?.*\}?\}|%\w+%|:\w+")
"""Text with a variable that nothing was put in place of."""
OTHER_KEYS = {
    "sk_": "a secret key of Clerk",
    "pk_": "the publishable key of Clerk",
    "whsec_": "the signing secret of a webhook",
    "sb_": "a key of Supabase",
    "sess_": "the id of a session",
    "user_": "the id of a user",
    "ak_": "an API key of Clerk",
    "oat_": "an OAuth token of Clerk",
    "mt_": "a machine token of Clerk",
}
JWT_PARTS = 3


def other_scheme(authorization: str) -> InvalidToken:
    """The refusal of an `Authorization` header that is not of the scheme Bearer."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.count(".") == JWT_PARTS - 1:
        return InvalidToken("no-token", f"The word Bearer is missing before the token. {HOW_TO_SEND}")
    if rest and SCHEME.fullmatch(scheme):
        return InvalidToken("no-token", f"The scheme {scheme} is not taken. {HOW_TO_SEND}")
    return InvalidToken("no-token", f"The Authorization header has no known scheme. {HOW_TO_SEND}")


def explained(error: InvalidToken, token: str) -> InvalidToken:
    """The same refusal, with what to do about this `token`."""
    match error.code:
        case "malformed-token":
            return InvalidToken(error.code, f"{_no_token(token)}; {WHERE_FROM}")
        case "token-expired":
            return InvalidToken(error.code, f"{_ended(token)}: take a fresh one; {WHERE_FROM}")
    return error


def _no_token(token: str) -> str:
    """Why it is no JWT, and what it seems to be."""
    bare = token.strip("<>\"'`").strip()
    kind = next((words for prefix, words in OTHER_KEYS.items() if bare.startswith(prefix)), None)
    if not token:
        return "There is nothing after the word Bearer"
    if token.lower().startswith("bearer"):
        return "The word Bearer stands there twice: send it once"
    if bare.lower() in NOTHING:
        return "What was sent is a word for nothing (such as undefined or null), and no token: wait for it first"
    if VARIABLE.fullmatch(bare):
        return "What was sent is the name of a variable, and not what is in it: put it in double quotes"
    if kind:
        return f"What was sent is {kind}, and no session token"
    if bare != token:
        return "There are quotes or angle brackets round the token: send it without them"
    if any(character.isspace() for character in token):
        return "There are blanks within the token: send it in one piece"
    parts = token.count(".") + 1
    if parts != JWT_PARTS:
        return f"A session token has three parts with dots between them, and this has {parts}"
    return "This looks like a session token, and cannot be read: copy it as a whole"


def _ended(token: str) -> str:
    """When a token of a good signature ended."""
    ended = int(jwt.decode(token, options={"verify_signature": False})["exp"])
    at = datetime.fromtimestamp(ended, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"The token ended at {at}, {max(0, int(time.time()) - ended)} seconds ago"
