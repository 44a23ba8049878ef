"""Entity tags: of single things the version in quotes."""

from fastapi.exceptions import RequestValidationError


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def wanted_versions(if_match: str | None) -> list[int] | None:
    """The versions that `If-Match` accepts; None when any will do. Weak tags never match (RFC 9110, 13.1.1)."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [tag.strip() for tag in if_match.split(",")]
    if not all(tag.removeprefix("W/").startswith('"') and tag.endswith('"') and len(tag) > 1 for tag in tags):
        expected = 'entity tags in quotes, like "3"'
        raise RequestValidationError(
            [{"type": "etag", "loc": ("header", "If-Match"), "msg": expected, "input": if_match}]
        )
    versions = [tag[1:-1] for tag in tags if not tag.startswith("W/")]
    return [int(version) for version in versions if version.isascii() and version.isdigit() and len(version) < 10]


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether the header names the entity tag; weak tags count here (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [known.strip().removeprefix("W/") for known in if_none_match.split(",")]
    return tag in tags or "*" in tags
