"""What the environment must say for jobs."""

import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from rte_common import timezones
from rte_common.settings import DatabaseSettings, NatsSettings, ProcessSettings
from rte_common.storage import StorageSettings


class Settings(ProcessSettings, DatabaseSettings, NatsSettings, StorageSettings):
    """The jobs service's settings. Schedules are cron with six fields: second, minute, hour, day, month, weekday."""

    database_timeout_seconds: float = Field(300, gt=0, description="work on many rows takes longer than a request may")
    schedule_timezone: str = Field("UTC", description="IANA name of the time zone that schedules are meant in")
    archive_schedule: str = Field("0 0 0 * * *", description="when what was done long ago leaves the lists")
    report_schedule: str = Field("0 0 9 * * MON", description="when the reports on the week before are made")
    upkeep_schedule: str = Field("0 30 3 * * *", description="when rows and files that nobody needs are deleted")
    archive_after_days: int = Field(90, ge=1, description="days after which what is done is archived")

    @field_validator("archive_schedule", "report_schedule", "upkeep_schedule")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        if len(value.split()) != 6:
            raise ValueError("must have six fields: second minute hour day month weekday")
        *_, day, _, weekday = value.split()
        if re.search(r"[LW#]", day.upper()) or re.search(r"[7#L]", weekday.upper()):
            raise ValueError("is no schedule that NATS takes: weekdays are 0 to 6 or SUN to SAT, without 7, L, W and #")
        try:
            CronSim(value, datetime.now(UTC))
        except CronSimError as error:
            raise ValueError(f"is no cron schedule: {error}") from error
        return value

    @field_validator("schedule_timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in timezones.names():
            raise ValueError("must be an IANA time zone, like Europe/Berlin")
        return value
