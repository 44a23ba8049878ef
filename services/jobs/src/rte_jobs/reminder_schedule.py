"""Reminders at their moment: the broker keeps an `@at` schedule for each expectation, that of its next reminder.

A schedule only says when to look: what is told, and once, is decided by `reminders` in the database. One that is lost
or late costs a quarter of an hour, until the next sweep.
"""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import structlog
from nats.aio.msg import Msg

from rte_common.database import Database
from rte_common.events import NotAnEvent, RawEvent, Subject
from rte_common.jetstream import Broker, Poison
from rte_jobs.reminders import MAX_BEFORE, OPEN, pending, remind
from rte_jobs.schedule import FIRINGS_LIVE, SUBJECT

log = structlog.get_logger(__name__)

FIRED = "rte.jobs.expectation"
"""Subject of what the schedules fire; the message is the expectation's id."""
HORIZON = timedelta(days=30)
"""What is due later is looked at again before: an estimate may lie thousands of years ahead, and no timer does."""


class ReminderSchedule:
    """The schedules, and what happens when one fires."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker

    async def changed(self, message: Msg) -> None:
        """Plan anew after an event of an expectation."""
        if Subject.parse(message.subject).verb == "archived":
            return
        try:
            event = RawEvent.parse(message.data)
            expectation_id = UUID((event.record or event.old_record or {})["id"])
        except (NotAnEvent, KeyError, ValueError) as error:
            raise Poison(f"no expectation is named: {error!r}") from error
        await self.plan(expectation_id)

    async def fired(self, message: Msg) -> None:
        """Tell what is due of an expectation, and plan what comes after it."""
        try:
            expectation_id = UUID(message.data.decode())
        except ValueError as error:
            raise Poison("no expectation is named") from error
        async with self._database.as_service() as connection:
            told = await remind(connection, datetime.now(UTC), [expectation_id])
        if told:
            log.info("reminded", expectation_id=str(expectation_id))
        await self.plan(expectation_id)

    async def plan(self, expectation_id: UUID) -> None:
        """Put the schedule of the next reminder into the broker in place of the one before, or cancel it.

        Replicas may plan one expectation at the same time. So each looks again after it has written: whoever writes
        last also looks last, and leaves what is true.
        """
        at = await self._next(expectation_id)
        while True:
            await self._put(expectation_id, at)
            written, at = at, await self._next(expectation_id)
            if at == written:
                return

    async def _next(self, expectation_id: UUID) -> datetime | None:
        """When to look at the expectation next; None: never."""
        async with self._database.as_service(writes=False) as connection:
            row = await connection.fetchrow(
                f"{OPEN} and e.estimated_completion is not null and e.id = $1", expectation_id
            )
        if row is None:
            return None
        now = datetime.now(UTC)
        if row["estimated_completion"] - now > HORIZON:
            return datetime.combine(now.date() + HORIZON - MAX_BEFORE, time.min, UTC)
        return min((at for _, at in pending(dict(row), now)), default=None)

    async def _put(self, expectation_id: UUID, at: datetime | None) -> None:
        subject = f"{SUBJECT}.expectation.{expectation_id}"
        if at is None:
            await self._broker.jetstream.purge_stream("JOBS", subject=subject)
            return
        headers = {
            "Nats-Schedule": f"@at {at.isoformat()}",
            "Nats-Schedule-Target": FIRED,
            "Nats-Schedule-TTL": FIRINGS_LIVE,
        }
        await self._broker.jetstream.publish(subject, str(expectation_id).encode(), headers=headers)
