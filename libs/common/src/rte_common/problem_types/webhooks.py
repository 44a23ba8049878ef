"""Types of Clerk's webhooks."""

from rte_common.problem_types.kind import ProblemType

WEBHOOK = "/webhooks/clerk"

PROBLEM_TYPES = (
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
