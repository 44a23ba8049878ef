"""The moments of a cron schedule by the clock of a time zone, which skips an hour in spring and repeats one in autumn.

A time of day that is skipped counts at the end of the gap, and one that comes twice counts the first time, so that a
daily job runs once a day. A schedule of every hour follows real time instead: it runs in both hours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

LONGEST_FOLD = timedelta(hours=3)
"""More than any clock was ever put back, but for a whole day."""


def latest(cron: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The last moment of `cron` (six fields) that is not after `now`, in UTC."""
    every_hour = cron.split()[2] == "*"
    local = now.astimezone(zone)
    # In the second of two equal hours, later readings of the clock have been before, too.
    start = local.replace(tzinfo=None) + (LONGEST_FOLD if local.fold else timedelta(microseconds=1))
    best: datetime | None = None
    for reading in CronSim(cron, start, reverse=True):  # which begins strictly before `start`
        for moment in _moments(reading, zone, every_hour=every_hour):
            if moment <= now and (best is None or moment > best):
                best = moment
        if best is not None and not _comes_twice(reading, zone):
            return best
    raise AssertionError("a schedule has no beginning")


def _moments(reading: datetime, zone: ZoneInfo, *, every_hour: bool) -> Iterator[datetime]:
    """When a clock of the zone shows `reading`: once, twice, or never, and then when it would have."""
    first, second = _at(reading, zone, 0), _at(reading, zone, 1)
    if first > second:
        if not every_hour:
            yield _end_of_gap(second, first, zone)
        return
    yield first
    if every_hour and second != first:
        yield second


def _comes_twice(reading: datetime, zone: ZoneInfo) -> bool:
    return _at(reading, zone, 0) < _at(reading, zone, 1)


def _at(reading: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return reading.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two at which the clock jumps, which it does at a whole second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
