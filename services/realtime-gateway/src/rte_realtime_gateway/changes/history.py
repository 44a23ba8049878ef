"""A team in this process: its recent changes, and who listens to them."""

from bisect import bisect_left, bisect_right
from operator import attrgetter

from rte_realtime_gateway.changes.audience import Audience
from rte_realtime_gateway.protocol.bindings import Binding
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.frames import Version

MAX_RECENT = 20_000
"""Most changes kept for one team, however fresh."""

AudienceKey = tuple[str, Version, tuple[Binding, ...]]


class Team:
    """One team's listeners and recent changes. Teams share nothing."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        """Sequence of the youngest change that is no longer kept."""
        self._recent: list[Change] = []
        self._audiences: dict[str | None, dict[AudienceKey, Audience]] = {}

    def audience(self, user_id: str | None, key: AudienceKey) -> Audience:
        """Who wants this team's changes in these words: all of them, or those of one user. `release` it once."""
        of_user = self._audiences.setdefault(user_id, {})
        if key not in of_user:
            of_user[key] = Audience(*key)
        of_user[key].holders += 1
        return of_user[key]

    def release(self, user_id: str | None, key: AudienceKey) -> None:
        """A channel gives its audience back; one that nobody holds is forgotten."""
        of_user = self._audiences[user_id]
        of_user[key].holders -= 1
        if not of_user[key].holders:
            del of_user[key]
            if not of_user:
                del self._audiences[user_id]

    def publish(self, change: Change) -> list[Audience]:
        """Keep the change, and queue it for everybody who wants it; returns the audiences to flush."""
        if self._recent and self._recent[-1].sequence == change.sequence:
            self._recent.pop()  # it comes again because something failed the first time
        self._recent.append(change)
        if len(self._recent) > MAX_RECENT:
            self._drop(MAX_RECENT // 10)
        return [
            audience
            for user_id in (None, change.user_id)
            for audience in self._audiences.get(user_id, {}).values()
            if audience.publish(change)
        ]

    def since(self, sequence: int, count: int) -> list[Change]:
        """The first `count` of the kept changes after `sequence`, oldest first."""
        first = bisect_right(self._recent, sequence, key=attrgetter("sequence"))
        return self._recent[first : first + count]

    def start_after(self, sequence: int) -> None:
        """Forget all changes: the next one comes after `sequence`."""
        self._recent.clear()
        self.floor = sequence

    def forget(self, before: float) -> None:
        """Drop the changes published before this Unix time."""
        self._drop(bisect_left(self._recent, before, key=attrgetter("published_at")))

    def _drop(self, count: int) -> None:
        if count:
            self.floor = self._recent[count - 1].sequence
            del self._recent[:count]

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost by forgetting the team."""
        return not self._recent and not self._audiences
