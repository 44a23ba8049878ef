"""Limits: how much one socket, one member and one team may ask for. Excess is slowed down or refused with a reason."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rte_common.auth import Member


@dataclass(slots=True)
class RateLimit:
    """Rate limit as a token bucket: `rate` a second, and `burst` at once after a rest."""

    rate: float
    burst: float
    _left: float = field(default=-1)
    _at: float = field(default=-1)

    def acquire(self, now: float, amount: float = 1) -> bool:
        """Use some of the rate; False, and nothing used, if there is not enough."""
        left = self._refill(now)
        if left < amount:
            return False
        self._left = left - amount
        return True

    def overdraw(self, now: float, amount: float = 1) -> float:
        """Use some even if there is not enough; returns the seconds until there would have been."""
        self._left = self._refill(now) - amount
        return max(-self._left / self.rate, 0)

    def is_full(self, now: float) -> bool:
        """Whether nobody has used the rate for a while."""
        return self._refill(now) >= self.burst

    def _refill(self, now: float) -> float:
        self._left = self.burst if self._at < 0 else min(self._left + (now - self._at) * self.rate, self.burst)
        self._at = now
        return self._left


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates per second with their bursts, for a member and for a team."""

    member: tuple[float, float]
    team: tuple[float, float]


MAX_CHANNELS = 100
"""Channels of one socket, as on the real server."""
MAX_MEMBER_CHANNELS, MAX_TEAM_CHANNELS = 500, 25_000
"""Channels open at once over all sockets of this process: each takes memory, and time of every change of its team."""
SOCKET_JOIN_RATE = 20.0, 2.0 * MAX_CHANNELS
"""Joins of one socket, a second and at once: a client joins all its channels at once, and again after a reconnect."""
SOCKET_MESSAGE_RATE = 100.0, 400.0
"""Messages of one socket, a second and at once."""
FREE_BYTES, BYTES_OF_A_MESSAGE = 4_096, 256
"""Bytes of a message that cost nothing, and for which a socket without a channel is charged another message: nobody
knows yet whose work that is. Joins are short."""
JOIN_RATES = Rates(member=(50.0, 500.0), team=(2_500.0, 20_000.0))
"""Joins over all sockets."""
MESSAGE_RATES = Rates(member=(200.0, 1_000.0), team=(2_500.0, 10_000.0))
"""Messages over all sockets; the team's rate is the real server's highest plan."""
PRESENCE_RATE = 5.0, 20.0
"""Presence changes of one channel, a second and at once: each goes to the whole room."""
MAX_LOGGED_CHARACTERS = 200
"""Characters in a log line of what a client sent."""


@dataclass
class Limits:
    """Use that all members and teams make of this process."""

    clock: Callable[[], float] = time.monotonic
    joins: Rates = JOIN_RATES
    messages: Rates = MESSAGE_RATES
    _rates: dict[tuple[str, ...], RateLimit] = field(default_factory=dict)
    _channels: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Open channels of each member and team."""

    def may_join(self, member: Member) -> bool:
        """Use one join of the member and the team."""
        return self._acquire("join", self.joins, member)

    def may_send(self, member: Member) -> bool:
        """Use one message of the member and the team."""
        return self._acquire("message", self.messages, member)

    def open_channel(self, member: Member) -> bool:
        """Count one more channel of the member and the team; False, and not counted, if they have enough."""
        own, team = (member.team_id, member.id), (member.team_id,)
        if self._channels[own] >= MAX_MEMBER_CHANNELS or self._channels[team] >= MAX_TEAM_CHANNELS:
            return False
        self._channels.update((own, team))
        return True

    def close_channel(self, member: Member) -> None:
        """Count one channel less."""
        for key in ((member.team_id, member.id), (member.team_id,)):
            self._channels[key] -= 1
            if not self._channels[key]:
                del self._channels[key]

    def _acquire(self, kind: str, rates: Rates, member: Member) -> bool:
        now = self.clock()
        own = self._rate((kind, member.team_id, member.id), rates.member)
        team = self._rate((kind, member.team_id), rates.team)
        return own.acquire(now) and team.acquire(now)

    def _rate(self, key: tuple[str, ...], rate: tuple[float, float]) -> RateLimit:
        if key not in self._rates:
            self._rates[key] = RateLimit(*rate)
        return self._rates[key]

    def prune(self) -> None:
        """Drop the rates that nobody has used for a while."""
        now = self.clock()
        for key in [key for key, rate in self._rates.items() if rate.is_full(now)]:
            del self._rates[key]
