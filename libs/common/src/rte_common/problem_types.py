"""Every problem type that a service answers, in the words of its page at `/problems/<slug>` and of the API's reference.

A slug never changes: clients compare it. A new type begins with its entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of refusal or failure (RFC 9457)."""

    slug: str
    status: int
    title: str
    when: str
    """When it is answered, in one or two sentences."""
    remedy: str
    """What the client does next."""
    detail: str
    """The example's `detail`."""
    path: str = "/api/v1/expectations"
    """The example's `instance`."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """The example's members beyond RFC 9457's."""

    @property
    def uri(self) -> str:
        """The `type` that clients compare, which is also the address of the page."""
        return f"/problems/{self.slug}"

    def example(self) -> dict[str, Any]:
        """A body as it is answered."""
        return self.body(self.detail, self.path) | dict(self.extensions)

    def body(self, detail: str, path: str) -> dict[str, Any]:
        """The members that every body has."""
        return {"type": self.uri, "title": self.title, "status": self.status, "detail": detail, "instance": path}


ITEM = "/api/v1/expectations/0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11"
EXPORTS = "/api/v1/exports"
ME = "/api/v1/me"
WEBHOOK = "/webhooks/clerk"

FRESH = (
    "Take a fresh token: `getToken()` of Clerk's SDK in production, `make token MEMBER=alex` in development. Tokens"
    " live for a minute, so take one for each request."
)

_TOKENS = (
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

_REQUESTS = (
    ProblemType(
        "unreadable-body",
        400,
        "The body cannot be read",
        "There is no body, or it is not JSON: a mistake of syntax, a name given twice, or bytes that are no UTF-8.",
        "Send a JSON object in UTF-8 with `Content-Type: application/json`. The detail names the line and the column.",
        'The body is not JSON: in line 1, column 27, found "}" where a value should be',
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body has another Content-Type than application/json",
        "A call that takes JSON got a body that is declared as something else, or not at all. curl's `-d` alone"
        " declares a form.",
        "Send the header `Content-Type: application/json`; with curl use `--json`.",
        "The Content-Type is application/x-www-form-urlencoded: send a JSON object with Content-Type: application/json",
    ),
    ProblemType(
        "invalid-input",
        422,
        "The input does not have the documented form",
        "A field, parameter or header is missing, unknown, or of another form than documented.",
        "Correct what `errors` names: each has a `pointer` (a JSON pointer into the body, else the place and the"
        " name), what was `expected`, and what it `got`.",
        "At /title send a text, not the number 5",
        extensions={"errors": [{"pointer": "/title", "expected": "a text", "got": "the number 5"}]},
    ),
    ProblemType(
        "not-found",
        404,
        "There is no such thing",
        "The path leads nowhere, or the id names nothing that the caller may see, such as another team's.",
        "Look the id up in the list, or the path in the reference at /api/docs.",
        "The team has no expectation with this id: look it up in GET /api/v1/expectations",
        ITEM,
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The path takes no such method",
        "The path exists, and this method does not do anything with it.",
        "Use one of the methods that the header `Allow` names.",
        "Use one of GET, HEAD, POST",
    ),
    ProblemType(
        "body-too-slow",
        408,
        "The body did not arrive in time",
        "The connection is too slow for the body, or the body ended before its `Content-Length`.",
        "Send it again; check that `Content-Length` is the number of bytes that follow.",
        "The body did not arrive within 10 seconds: 9 of 100 bytes came",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "JSON may have 64 KiB, a picture 5 MB, and a webhook 1 MiB.",
        "Send less: the detail names the limit, and what came.",
        "The body has 70,000 bytes, and may have 65,536 (64 KiB)",
    ),
    ProblemType(
        "too-many-requests",
        429,
        "The member sends too many requests",
        "More requests or more writes in a minute than a member may send, counted over all of their devices.",
        "Wait the seconds in `Retry-After`. `RateLimit` on every answer says how many are left.",
        "Wait 42 seconds: RateLimit-Policy says how many are allowed",
    ),
    ProblemType(
        "too-slow",
        503,
        "The request took too long",
        "The server gave the request up. A change was made as a whole, or not at all.",
        "Look whether it was made, then try again; with an `Idempotency-Key` it may be repeated without looking.",
        "Nothing was changed, or it was changed as a whole: look before you repeat it",
    ),
    ProblemType(
        "unexpected",
        500,
        "Something broke on our side",
        "A fault in the server, which its operators see in their log.",
        "Try again. Should it stay, tell the operators the `X-Request-Id` of the answer.",
        "Try again; tell us the X-Request-Id",
    ),
    ProblemType(
        "database-away",
        503,
        "The database does not answer at the moment",
        "The database is restarting or out of reach. Lists of active expectations are still answered, as last known.",
        "Look whether a change was made, then try again after the seconds in `Retry-After`.",
        "Nothing was changed, or it was changed as a whole: look before you repeat it",
    ),
    ProblemType(
        "database-read-only",
        503,
        "The database only reads at the moment",
        "The database is changing over to its standby, or an operator has made it read only. Reads go on.",
        "Try again after the seconds in `Retry-After`: nothing was changed.",
        "Nothing was changed: try again later",
    ),
    ProblemType(
        "storage-away",
        503,
        "The file storage does not answer at the moment",
        "Supabase Storage, where pictures and exports lie, is out of reach.",
        "Try again after the seconds in `Retry-After`.",
        "Try again later",
        "/api/v1/me/avatar",
    ),
)

_RULES = (
    ProblemType(
        "active-expectation-exists",
        409,
        "The member already has an active expectation",
        "A member has one active expectation at a time, and wants to publish another. `active` is the id of the one.",
        "Complete it (`POST /api/v1/expectations/{id}/complete`), change it (`PATCH`) or delete it (`DELETE`).",
        f"Complete it (POST {ITEM}/complete), change it (PATCH {ITEM}) or delete it (DELETE {ITEM}) first",
        extensions={"active": ITEM.rpartition("/")[2]},
    ),
    ProblemType(
        "estimate-in-past",
        422,
        "The estimated completion is not in the future",
        "`estimated_completion` lies before now, by the server's clock.",
        "Choose a time that is still to come, or leave it out.",
        "Choose a time that is still to come",
        extensions={"errors": [{"pointer": "/estimated_completion", "expected": "a time in the future"}]},
    ),
    ProblemType(
        "expectation-is-history",
        409,
        "A completed expectation never changes",
        "The expectation is done: it can be read, and neither changed nor deleted.",
        "Publish another one.",
        "Publish another one",
        ITEM,
    ),
    ProblemType(
        "not-the-owner",
        403,
        "Only the owner or an admin of the team changes an expectation",
        "The expectation belongs to somebody else, and the caller is no admin of the team.",
        "Ask the owner, or an admin of the team.",
        "Ask the owner, or an admin of the team",
        ITEM,
    ),
    ProblemType(
        "second-factor-required",
        403,
        "An admin who acts for others must have verified a second factor lately",
        "An admin changes somebody else's expectation, and the second factor is missing or too old.",
        "Let the admin verify it (Clerk's reverification does so by `clerk_error`), then repeat the request.",
        "Verify your second factor, then repeat the request",
        ITEM,
        {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
            }
        },
    ),
    ProblemType(
        "version-mismatch",
        412,
        "The expectation has another version than If-Match names",
        "Somebody has changed it since it was read. `version` is the one that it has now.",
        "Read it again and decide anew.",
        "Read it again, and decide anew",
        ITEM,
        {"version": 4},
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key belongs to another request",
        "The same `Idempotency-Key` came with another body or call within 24 hours.",
        "Make a new key, such as a random UUID, for each request; keep it when the same request is repeated.",
        "Make a new key for each request",
    ),
    ProblemType(
        "impersonated-session",
        403,
        "An impersonated session only reads",
        "An operator acts as the member through Clerk's impersonation, and wants to change something.",
        "Sign in as yourself to change something.",
        "Sign in as yourself to change something",
    ),
    ProblemType(
        "member-not-yet-known",
        503,
        "The member or team is so new that it has not arrived here yet",
        "Clerk has made the member or the team a moment ago, and its message is still on the way.",
        "Try again after the second in `Retry-After`. Should it stay, look at the webhook's deliveries at Clerk.",
        "Try again in a moment",
        ME,
    ),
    ProblemType(
        "export-in-progress",
        409,
        "The member's export before is not finished yet",
        "A member has one export in the making at a time.",
        "Wait for it: `GET /api/v1/exports` shows how far it is.",
        "Wait for it, or read how far it is",
        EXPORTS,
    ),
    ProblemType(
        "unusable-image",
        422,
        "The picture cannot be used",
        "The file is no JPEG, PNG, WebP or GIF, is damaged, has more than 40 megapixels, or goes on after the picture.",
        "Save the picture anew as JPEG or PNG, and send that.",
        "Send a JPEG, PNG, WebP or GIF",
        "/api/v1/me/avatar",
    ),
)

_WEBHOOKS = (
    ProblemType(
        "bad-webhook-signature",
        400,
        "The webhook is not signed by Clerk",
        "The headers `svix-id`, `svix-timestamp` and `svix-signature` do not fit the body, or are too old.",
        "Check `CLERK_WEBHOOK_SECRET` against the endpoint's signing secret at Clerk, and the clocks.",
        "Check CLERK_WEBHOOK_SECRET against the endpoint's signing secret, and both clocks",
        WEBHOOK,
    ),
    ProblemType(
        "not-a-clerk-event",
        400,
        "The body is not a Clerk event",
        "The signature is right, and the body is not the JSON of an event with its type.",
        "Send this endpoint Clerk's events only.",
        "The body must be an event with a type",
        WEBHOOK,
    ),
    ProblemType(
        "webhook-not-stored",
        503,
        "The webhook could not be stored",
        "NATS does not take the message at the moment.",
        "Nothing: Clerk delivers it again by itself.",
        "Deliver it again later",
        WEBHOOK,
    ),
)

GROUPS: Mapping[str, tuple[ProblemType, ...]] = {
    "Who is asking": _TOKENS,
    "The rules of expectations, members and files": _RULES,
    "Requests in general": _REQUESTS,
    "Webhooks of Clerk": _WEBHOOKS,
}
PROBLEM_TYPES: Mapping[str, ProblemType] = {kind.slug: kind for group in GROUPS.values() for kind in group}
