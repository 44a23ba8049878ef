"""Types of the rules of expectations, members and files."""

from rte_common.problem_types.kind import ProblemType

ITEM = "/api/v1/expectations/0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11"
EXPORTS = "/api/v1/exports"
ME = "/api/v1/me"

PROBLEM_TYPES = (
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
        "Choose a time after 2030-01-31T09:12:45Z, the server's now, or leave it out",
        extensions={"errors": [{"pointer": "/estimated_completion", "expected": "a time in the future"}]},
    ),
    ProblemType(
        "expectation-is-history",
        409,
        "A completed expectation never changes",
        "The expectation is done: it can be read, and neither changed nor deleted.",
        "Publish another one; the owner may also reopen it within a minute (`POST /api/v1/expectations/{id}/reopen`).",
        "Publish another one",
        ITEM,
    ),
    ProblemType(
        "too-late-to-reopen",
        409,
        "An expectation is reopened within a minute of its completion, or not at all",
        "More than 60 seconds have passed since `done_at`, by the server's clock, or the expectation is archived.",
        "Publish another one.",
        "Publish another one",
        f"{ITEM}/reopen",
    ),
    ProblemType(
        "not-the-owner",
        403,
        "Only the owner or an admin of the team changes an expectation",
        "It belongs to somebody else, and the caller is no admin of the team, or wants to reopen it.",
        "Ask the owner, or an admin of the team; only the owner reopens.",
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
        "Wait for it: GET /api/v1/exports shows how far it is",
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
