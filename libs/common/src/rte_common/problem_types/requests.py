"""Types that any request may meet: its form, the limits, and what is away."""

from rte_common.problem_types.kind import ProblemType

ITEM = "/api/v1/expectations/0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11"

PROBLEM_TYPES = (
    ProblemType(
        "unreadable-body",
        400,
        "The body cannot be read",
        "There is no body, or it is not JSON: a mistake of syntax, a name given twice, or bytes that are no UTF-8.",
        "Send a JSON object in UTF-8 with `Content-Type: application/json`. The detail names the line and the column.",
        "The body is not JSON: expecting value in line 1, column 11, found `}`",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body has another Content-Type than application/json",
        "A call that takes JSON got a body that is declared as something else, or not at all. curl's `-d` alone"
        " declares a form.",
        "Send the header `Content-Type: application/json`; with curl use `--json`.",
        "The Content-Type is application/x-www-form-urlencoded. Send a JSON object with Content-Type: application/json",
    ),
    ProblemType(
        "invalid-input",
        422,
        "The input does not have the documented form",
        "A field, parameter or header is missing, unknown, or of another form than documented.",
        "Correct what `errors` names: each has a `pointer` (a JSON pointer into the body, else the place and the"
        " name), what was `expected`, and what it `got`.",
        "As `title` in the body send a text, not the number 5",
        extensions={"errors": [{"pointer": "/title", "expected": "a text", "got": "the number 5"}]},
    ),
    ProblemType(
        "not-found",
        404,
        "There is no such thing",
        "The path leads nowhere, or the id names nothing that the caller may see, such as another team's.",
        "Look the id up in the list, or the path in the reference at /api/docs.",
        "The team has no expectation with this id: look it up in GET /api/v1/expectations?status=all",
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
