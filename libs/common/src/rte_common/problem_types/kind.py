"""What is said of one type of problem."""

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
    """Occasion of the answer, in one or two sentences."""
    remedy: str
    """Next step of the client."""
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
