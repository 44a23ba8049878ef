"""When a member may be reminded: by the clock of their time zone, on working days, outside quiet hours. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Availability:
    """Hours of a member; every moment that it gives is in UTC."""

    zone: ZoneInfo
    days: frozenset[str]
    """Working days, at least one of DAYS."""
    quiet: tuple[time, time] | None = None
    """Start and end of the quiet hours, which differ; over midnight if the end is before the start."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """That of a row of rte.member_settings."""
        start, end = settings["quiet_start"], settings["quiet_end"]
        return cls(_zone(settings["timezone"]), frozenset(settings["days"]), None if start is None else (start, end))

    def first_from(self, moment: datetime) -> datetime:
        """The first moment, `moment` or later, at which the member may be reminded."""
        while (end := self._end_of_rest(moment)) is not None:
            moment = end
        return moment.astimezone(UTC)

    def today(self, now: datetime) -> date:
        """The member's date."""
        return now.astimezone(self.zone).date()

    def at(self, day: date, clock: time) -> datetime:
        """When the member's clock shows that; the first time, where it does so twice."""
        return self._instants(day, clock)[0]

    def _end_of_rest(self, moment: datetime) -> datetime | None:
        """When the day off or the quiet hours end that `moment` is in; None if it is in neither."""
        local = moment.astimezone(self.zone)
        if DAYS[local.weekday()] not in self.days:
            return self._next(local.date() + A_DAY, time.min, after=moment)
        if self.quiet is None or not _within(local.time(), *self.quiet):
            return None
        end = self.quiet[1]
        return self._next(local.date() if local.time() < end else local.date() + A_DAY, end, after=moment)

    def _next(self, day: date, clock: time, *, after: datetime) -> datetime:
        return min(instant for instant in self._instants(day, clock) if instant > after)

    def _instants(self, day: date, clock: time) -> tuple[datetime, datetime]:
        """Both readings of a time that the clock shows twice or, when it is set forward, not at all; else one twice."""
        local = datetime.combine(day, clock, self.zone)
        return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _within(clock: time, start: time, end: time) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


def _zone(name: str) -> ZoneInfo:
    """One name that nobody knows any more must not keep everybody's reminders."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
