"""History: a team's recent changes, for clients that come back."""

from bisect import bisect_left, bisect_right
from operator import attrgetter

from rte_realtime_gateway.protocol.changes import Change

MAX_CHANGES = 20_000
"""Changes kept of one team, however fresh."""


class History:
    """The recent changes of one team, oldest first. Every change after `kept_after` is there."""

    def __init__(self, kept_after: int) -> None:
        self.kept_after = kept_after
        """Sequence of the youngest change that is no longer kept."""
        self._changes: list[Change] = []

    def append(self, change: Change) -> None:
        """Keep the next change."""
        if self._changes and self._changes[-1].sequence == change.sequence:
            self._changes.pop()  # it comes again because something failed the first time
        self._changes.append(change)
        if len(self._changes) > MAX_CHANGES:
            self._drop(MAX_CHANGES // 10)

    def since(self, offset: int, count: int) -> list[Change]:
        """The first `count` of the kept changes after `offset`, oldest first."""
        first = bisect_right(self._changes, offset, key=attrgetter("sequence"))
        return self._changes[first : first + count]

    def reset(self, sequence: int) -> None:
        """Drop all changes: the next one comes after `sequence`."""
        self._changes.clear()
        self.kept_after = sequence

    def prune(self, before: float) -> None:
        """Drop the changes published before this Unix time."""
        self._drop(bisect_left(self._changes, before, key=attrgetter("published_at")))

    def _drop(self, count: int) -> None:
        if count:
            self.kept_after = self._changes[count - 1].sequence
            del self._changes[:count]

    @property
    def is_empty(self) -> bool:
        """Whether no change is kept."""
        return not self._changes
