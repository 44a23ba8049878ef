"""Reminders keep to the member's clock, also on the days on which it is set."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from rte_jobs.availability import DAYS, Availability

ALL_DAYS = frozenset(DAYS)
WEEKDAYS = frozenset(DAYS[:5])


def local(availability: Availability, moment: datetime) -> str:
    """The moment as the member's clock shows it, with its offset."""
    return moment.astimezone(availability.zone).isoformat(timespec="minutes")


def quiet(text: str) -> tuple[time, time]:
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


@pytest.mark.parametrize(
    ("zone", "hours", "wanted", "told"),
    [
        # The clocks are set forward over an end in the night that they skip, and back over one that they show twice.
        ("Europe/Lisbon", "22:00-08:00", "2026-03-28T23:00+00:00", "2026-03-29T08:00+01:00"),
        ("Europe/Lisbon", "22:00-01:30", "2026-03-29T00:30+00:00", "2026-03-29T02:30+01:00"),
        ("Europe/Lisbon", "22:00-08:00", "2026-10-24T23:00+01:00", "2026-10-25T08:00+00:00"),
        ("Europe/Lisbon", "22:00-01:30", "2026-10-25T00:30+01:00", "2026-10-25T01:30+01:00"),
        ("Europe/Lisbon", "22:00-01:30", "2026-10-25T01:10+00:00", "2026-10-25T01:30+00:00"),
        ("America/New_York", "20:00-07:00", "2026-03-07T20:00-05:00", "2026-03-08T07:00-04:00"),
        ("America/New_York", "20:00-02:30", "2026-03-08T01:45-05:00", "2026-03-08T03:30-04:00"),
        ("America/New_York", "20:00-07:00", "2026-11-01T01:59-05:00", "2026-11-01T07:00-05:00"),
        # By half an hour, and in the other half of the year.
        ("Australia/Lord_Howe", "23:00-06:00", "2026-10-03T23:30+10:30", "2026-10-04T06:00+11:00"),
        ("Australia/Lord_Howe", "23:00-02:15", "2026-10-04T01:50+10:30", "2026-10-04T02:45+11:00"),
        ("Australia/Lord_Howe", "23:00-06:00", "2026-04-04T23:30+11:00", "2026-04-05T06:00+10:30"),
        # At midnight: the day begins at one o'clock, and another has 23:00 twice.
        ("Africa/Cairo", "21:00-00:30", "2026-04-23T22:00+02:00", "2026-04-24T01:30+03:00"),
        ("Africa/Cairo", "21:00-23:30", "2026-10-29T23:10+02:00", "2026-10-29T23:30+02:00"),
        # In the middle of the day, and on its edges.
        ("Asia/Calcutta", "12:00-14:00", "2026-06-01T12:00+05:30", "2026-06-01T14:00+05:30"),
        ("Europe/Kyiv", "12:00-14:00", "2026-06-01T14:00+03:00", "2026-06-01T14:00+03:00"),
        ("Europe/Kyiv", "20:00-08:00", "2026-06-01T19:59+03:00", "2026-06-01T19:59+03:00"),
        ("Europe/Kyiv", "20:00-08:00", "2026-06-02T07:59+03:00", "2026-06-02T08:00+03:00"),
        # A leap day.
        ("Europe/Kyiv", "20:00-08:00", "2028-02-28T22:00+02:00", "2028-02-29T08:00+02:00"),
    ],
)
def test_quiet_hours_end_by_the_members_clock(zone: str, hours: str, wanted: str, told: str) -> None:
    member = Availability(ZoneInfo(zone), ALL_DAYS, quiet(hours))

    assert local(member, member.first_from(datetime.fromisoformat(wanted))) == told


@pytest.mark.parametrize(
    ("zone", "hours", "wanted", "told"),
    [
        ("Europe/Lisbon", None, "2026-03-28T12:00+00:00", "2026-03-30T00:00+01:00"),
        ("Europe/Lisbon", "22:00-08:00", "2026-10-23T23:00+01:00", "2026-10-26T08:00+00:00"),
        ("Europe/Lisbon", "22:00-08:00", "2026-10-22T23:00+01:00", "2026-10-23T08:00+01:00"),
        ("America/New_York", None, "2026-11-01T01:30-04:00", "2026-11-02T00:00-05:00"),
        ("America/New_York", "12:00-13:00", "2026-11-02T11:00-05:00", "2026-11-02T11:00-05:00"),
    ],
)
def test_days_off_end_with_the_next_working_day(zone: str, hours: str | None, wanted: str, told: str) -> None:
    member = Availability(ZoneInfo(zone), WEEKDAYS, quiet(hours) if hours else None)

    assert local(member, member.first_from(datetime.fromisoformat(wanted))) == told


def test_a_working_day_that_begins_at_one_begins_at_one() -> None:
    member = Availability(ZoneInfo("Africa/Cairo"), frozenset({"fri"}))
    told = member.first_from(datetime.fromisoformat("2026-04-20T12:00+02:00"))

    assert local(member, told) == "2026-04-24T01:00+03:00"


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
@pytest.mark.parametrize("hours", ["20:00-08:00", "00:00-23:59", "02:30-02:00", "12:00-13:00"])
def test_in_every_quarter_of_an_hour_of_a_year_a_reminder_comes_late_enough_and_in_time(zone: str, hours: str) -> None:
    member = Availability(ZoneInfo(zone), WEEKDAYS, quiet(hours))
    start, end = quiet(hours)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    before = moment
    while moment.year == 2026:
        told = member.first_from(moment)
        clock = told.astimezone(member.zone)
        assert told >= moment
        assert told >= before, "later wishes are not told earlier"
        assert DAYS[clock.weekday()] in WEEKDAYS
        assert not (start <= clock.time() < end if start < end else clock.time() >= start or clock.time() < end)
        before = told
        moment += timedelta(minutes=15)


def test_a_zone_that_nobody_knows_is_taken_for_utc() -> None:
    row = {"timezone": "Mars/Base", "days": list(DAYS), "quiet_start": time(20), "quiet_end": time(8)}

    assert Availability.of(row).first_from(datetime(2026, 6, 1, 21, tzinfo=UTC)) == datetime(2026, 6, 2, 8, tzinfo=UTC)
