"""Types of who is asking: the session token and the team that it names."""

from rte_common.problem_types.kind import ProblemType

FRESH = (
    "Take a fresh token: `getToken()` of Clerk's SDK in production, `make token MEMBER=alex` in development. Tokens"
    " live for a minute, so take one for each request."
)

PROBLEM_TYPES = (
    ProblemType(
        "no-token",
        401,
        "There is no session token",
        "The request has neither an `Authorization` header of the scheme Bearer nor a session cookie.",
        f"Send `Authorization: Bearer <token>`. {FRESH}",
        "Send the session token as `Authorization: Bearer <token>`",
    ),
    ProblemType(
        "malformed-token",
        401,
        "What was sent is no session token",
        "What was sent as the token is no JWT: a key, the word `undefined`, a token with quotes round it, or the like.",
        f"Send the token alone, three parts with dots between them. {FRESH}",
        "What was sent is a word for nothing (such as undefined or null), and no token: wait for it first; `getToken()`"
        " of Clerk's SDK gives one, in development `make token MEMBER=alex` prints one",
    ),
    ProblemType(
        "bad-signature",
        401,
        "The signature of the session token does not match",
        "The token's signature does not match: it was changed on its way, or another Clerk instance signed it.",
        f"Check that the client uses the same Clerk instance as this server. {FRESH}",
        "The token's signature does not match",
    ),
    ProblemType(
        "unknown-key",
        401,
        "The session token is signed with an unknown key",
        "The token is signed with a key that the issuer does not publish.",
        f"Check that the client uses the same Clerk instance as this server. {FRESH}",
        "The token is signed with a key that the issuer does not publish",
    ),
    ProblemType(
        "token-expired",
        401,
        "The session token has ended",
        "The token was good, and its time is over: session tokens live for a minute.",
        f"{FRESH} Should a fresh one be refused too, set the clock of this machine.",
        "The token ended at 2030-01-31T09:13:45Z, 12 seconds ago: take a fresh one",
    ),
    ProblemType(
        "token-not-yet-valid",
        401,
        "The session token is not valid yet",
        "The token begins in the future: the clock of who made it or of this server is wrong.",
        "Compare the clocks, then take a fresh token.",
        "The token is not valid yet",
    ),
    ProblemType(
        "wrong-issuer",
        401,
        "The session token comes from another issuer",
        "The token comes from another Clerk instance than the one that this server trusts.",
        f"Check the client's publishable key against the server's `CLERK_ISSUER`. {FRESH}",
        "The token comes from another issuer",
    ),
    ProblemType(
        "wrong-party",
        401,
        "The session token was made for another origin",
        "The token was made for another origin: its claim `azp` is not among `CLERK_AUTHORIZED_PARTIES`.",
        "Sign in on an allowed origin, or add yours to the setting `CLERK_AUTHORIZED_PARTIES`.",
        "The token was made for another origin (claim azp)",
    ),
    ProblemType(
        "missing-claim",
        401,
        "The session token lacks a claim",
        "The token lacks a claim that every session token has: it was made from a template, or is no session token.",
        "Call `getToken()` without a template.",
        "The token lacks the claim sid",
    ),
    ProblemType(
        "pending-session",
        401,
        "The session is still pending",
        "The session is pending: the member has signed in, and a task such as choosing an organization is left.",
        "Let the member finish signing in, then take a fresh token.",
        "Finish signing in: the session is still pending",
    ),
    ProblemType(
        "wrong-origin",
        401,
        "The session cookie came from another origin",
        "The session cookie came from a page that is not of an allowed origin, or a change came without an `Origin`.",
        "Call from an allowed origin, or send the token as `Authorization: Bearer <token>`.",
        "With the session cookie, requests must come from an allowed origin",
    ),
    ProblemType(
        "no-active-team",
        403,
        "The session has no active organization",
        "Teams are Clerk organizations here (`TEAM_MODE=organizations`), and the member has not chosen one.",
        "Call Clerk's `setActive({organization})`, then take a fresh token.",
        "Choose an organization: the session has no active one",
    ),
    ProblemType(
        "keys-unavailable",
        503,
        "Session tokens cannot be checked at the moment",
        "The server has just started and could not fetch Clerk's public keys yet. It is not the caller's fault.",
        "Try again after the seconds in `Retry-After`.",
        "Clerk's public keys could not be fetched yet",
    ),
)
