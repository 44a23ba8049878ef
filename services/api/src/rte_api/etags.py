"""Entity tags of single things: the version and a digest of the body, like "3-9f2c...".

The digest is for `If-None-Match`: the body also shows what no version counts, like the member's name. `If-Match` is
about the version alone, and takes it without a digest too: `"3"`.
"""

import re
from hashlib import blake2b

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers

VERSIONED = re.compile(r'"([1-9][0-9]{0,8})(-[0-9a-f]{16})?"', re.ASCII)


def etag(version: int, body: bytes) -> str:
    """The strong entity tag of `body`, which shows that version."""
    return f'"{version}-{blake2b(body, digest_size=8).hexdigest()}"'


def accepted_versions(if_match: list[str]) -> list[int] | None:
    """The versions that the lines of `If-Match` accept; None when any will do.

    Weak tags never match (RFC 9110, 13.1.1).
    """
    tags = [tag.strip() for line in if_match for tag in line.split(",")]
    if tags in ([], ["*"]):
        return None
    if not all(tag.removeprefix("W/").startswith('"') and tag.endswith('"') and len(tag) > 1 for tag in tags):
        expected = 'entity tags in quotes, like "3"'
        raise RequestValidationError(
            [{"type": "etag", "loc": ("header", "If-Match"), "msg": expected, "input": ", ".join(if_match)}]
        )
    return [int(found[1]) for found in map(VERSIONED.fullmatch, tags) if found]


def matches(headers: Headers, tag: str) -> bool:
    """Whether an `If-None-Match` names the entity tag; weak tags count here (RFC 9110, 13.1.2)."""
    tags = [known.strip().removeprefix("W/") for line in headers.getlist("if-none-match") for known in line.split(",")]
    return tag in tags or "*" in tags
