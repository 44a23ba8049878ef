"""Readiness: clients may join once all that they could ask for was read, and arrives as it happens."""

from collections.abc import Callable, Iterable
from enum import StrEnum

import structlog

from rte_realtime_gateway import metrics

log = structlog.get_logger(__name__)


class Source(StrEnum):
    """Sources that must have been read before a client may join."""

    CHANGES = "changes"
    POSITIONS = "positions"
    PRESENCE = "presence"
    BROADCASTS = "broadcasts"
    REPLAY = "replay"


class Readiness:
    """Sources that are not up to date, and the joins that wait for them."""

    def __init__(self) -> None:
        self._awaited = set(Source)
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def ready(self) -> bool:
        """Whether everything was read and changes arrive as they are committed."""
        return not self._awaited

    async def check(self) -> str | None:
        """Answer for /ready: None, or what does not arrive."""
        return None if self.ready else f"waiting for {', '.join(sorted(self._awaited))}"

    def update(self, source: Source, *, live: bool) -> None:
        """Set whether a source has been read up to its end and still arrives."""
        was_ready = self.ready
        if live:
            self._awaited.discard(source)
        else:
            self._awaited.add(source)
        if self.ready is was_ready:
            return
        metrics.FEED_LIVE.set(self.ready)
        if not self.ready:
            log.info("changes_do_not_flow", awaited=sorted(self._awaited))
        else:
            log.info("changes_flow")
            waiting, self._waiting = self._waiting, {}
            proceed_each(waiting)

    def when_ready(self, proceed: Callable[[], None]) -> None:
        """Call `proceed` now, or once everything is ready; `cancel` takes it back."""
        if self.ready:
            proceed()
        else:
            self._waiting[proceed] = None

    def cancel(self, proceed: Callable[[], None]) -> None:
        """No longer call `proceed`."""
        self._waiting.pop(proceed, None)


def proceed_each(calls: Iterable[Callable[[], None]]) -> None:
    """Let channels go on; one that cannot runs out of time, and its client joins again."""
    for proceed in calls:
        try:
            proceed()
        except Exception:
            log.exception("channel_broke")
