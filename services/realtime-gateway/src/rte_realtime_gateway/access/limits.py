"""Limits: how much one socket, one member and one team may ask for. Excess is slowed down or refused with a reason."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rte_common.auth import Member


@dataclass(slots=True)
class Allowance:
    """A token bucket: `rate` a second, and `burst` at once after a rest."""

    rate: float
    burst: float
    _left: float = field(default=-1)
    _at: float = field(default=-1)

    def take(self, now: float, amount: float = 1) -> bool:
        """Use some of it; False, and nothing used, if there is not enough."""
        left = self._refill(now)
        if left < amount:
            return False
        self._left = left - amount
        return True

    def wait(self, now: float) -> float:
        """Use one even if it is not there; returns the seconds until it would have been."""
        self._left = self._refill(now) - 1
        return max(-self._left / self.rate, 0)

    def is_full(self, now: float) -> bool:
        """Whether nobody has used it for a while."""
        return self._refill(now) >= self.burst

    def _refill(self, now: float) -> float:
        self._left = self.burst if self._at < 0 else min(self._left + (now - self._at) * self.rate, self.burst)
        self._at = now
        return self._left


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate per second with its burst, for a member and for a team."""

    member: tuple[float, float]
    team: tuple[float, float]


MAX_CHANNELS = 100
"""Channels of one socket, as on the real server."""
MEMBER_CHANNELS, TEAM_CHANNELS = 500, 25_000
"""Open at once over all sockets of this process: each keeps memory, and takes time of every change of its team."""
SOCKET_JOINS = 20.0, 2.0 * MAX_CHANNELS
"""A client joins all its channels at once, and again after a reconnect."""
SOCKET_MESSAGES = 100.0, 400.0
JOINS = Rates(member=(50.0, 500.0), team=(2_500.0, 20_000.0))
MESSAGES = Rates(member=(200.0, 1_000.0), team=(2_500.0, 10_000.0))
"""The team's are the real server's highest plan."""
PRESENCE = 5.0, 20.0
"""Changes of one channel's presence: each is told to the whole room."""


@dataclass
class Limits:
    """The allowances of all members and teams of this process."""

    clock: Callable[[], float]
    joins: Rates = JOINS
    messages: Rates = MESSAGES
    _allowances: dict[tuple[str, ...], Allowance] = field(default_factory=dict)
    _channels: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How many of each member and team are open."""

    def may_join(self, member: Member) -> bool:
        """Use one join of the member and the team."""
        return self._take("join", self.joins, member)

    def may_send(self, member: Member) -> bool:
        """Use one message of the member and the team."""
        return self._take("message", self.messages, member)

    def open_channel(self, member: Member) -> bool:
        """Count one more channel of the member and the team; False, and not counted, if they have enough."""
        own, team = (member.team_id, member.id), (member.team_id,)
        if self._channels[own] >= MEMBER_CHANNELS or self._channels[team] >= TEAM_CHANNELS:
            return False
        self._channels.update((own, team))
        return True

    def close_channel(self, member: Member) -> None:
        """Count one less."""
        for key in ((member.team_id, member.id), (member.team_id,)):
            self._channels[key] -= 1
            if not self._channels[key]:
                del self._channels[key]

    def _take(self, kind: str, rates: Rates, member: Member) -> bool:
        now = self.clock()
        own = self._allowance((kind, member.team_id, member.id), rates.member)
        team = self._allowance((kind, member.team_id), rates.team)
        return own.take(now) and team.take(now)

    def _allowance(self, key: tuple[str, ...], rate: tuple[float, float]) -> Allowance:
        if key not in self._allowances:
            self._allowances[key] = Allowance(*rate)
        return self._allowances[key]

    def tidy(self) -> None:
        """Forget who has not used anything for a while."""
        now = self.clock()
        for key in [key for key, allowance in self._allowances.items() if allowance.is_full(now)]:
            del self._allowances[key]
