"""Rate limits of a member: whole minutes that begin with the member's first request, counted by each replica.

Answers carry them in the headers of draft-ietf-httpapi-ratelimit-headers (`RateLimit-Policy`, `RateLimit`).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter

WINDOW_SECONDS = 60
MAX_MEMBERS = 100_000
"""Members counted at a time; one more, and the oldest is evicted: memory stays bounded (about 20 MB)."""

REFUSED = Counter("rte_rate_limited_total", "Requests refused because a member had too many", ["policy"])


@dataclass(slots=True)
class _Window:
    ends: float
    requests: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Decision whether a request may go on, and what is left."""

    allowed: bool
    limit: bytes
    """The header `RateLimit`."""
    retry_after: int
    """Seconds until the window ends."""


class RateLimits:
    """Counters of the requests and the writes of each member."""

    def __init__(self, requests: int, writes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._writes = writes
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self.policy = f'"requests";q={requests};w={WINDOW_SECONDS}, "writes";q={writes};w={WINDOW_SECONDS}'.encode()
        """The header `RateLimit-Policy`."""

    def __len__(self) -> int:
        """Number of members whose window is counted."""
        return len(self._windows)

    def consume(self, member_id: str, *, writes: bool) -> Verdict:
        """Count one request of the member, unless it is one too many."""
        now = self._clock()
        window = self._window(member_id, now)
        left = self._requests - window.requests
        left_writes = self._writes - window.writes
        allowed = left > 0 and (left_writes > 0 or not writes)
        if allowed:
            window.requests += 1
            window.writes += writes
            left, left_writes = left - 1, left_writes - writes
        else:
            REFUSED.labels("requests" if left <= 0 else "writes").inc()
        seconds = math.ceil(window.ends - now)
        limit = f'"requests";r={left};t={seconds}'
        if writes:
            limit += f', "writes";r={left_writes};t={seconds}'
        return Verdict(allowed, limit.encode(), seconds)

    def _window(self, member_id: str, now: float) -> _Window:
        windows = self._windows
        while windows:  # in the order of their ends, because all last equally long
            oldest = next(iter(windows))
            if windows[oldest].ends > now and len(windows) < MAX_MEMBERS:
                break
            del windows[oldest]
        window = windows.get(member_id)
        if window is None:
            window = windows[member_id] = _Window(now + WINDOW_SECONDS)
        return window
