"""The change feed: every event of the stream EVENTS to the hub, from the last minutes on."""

import time
from datetime import UTC, datetime

import structlog
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from rte_common import events
from rte_common.events import NotAnEvent, RawEvent
from rte_common.jetstream import Broker
from rte_realtime_gateway.access.readiness import Source
from rte_realtime_gateway.broker.ordered_consumer import OrderedConsumer
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol import changes
from rte_realtime_gateway.protocol.changes import NotAChange
from rte_realtime_gateway.rooms import announcements

log = structlog.get_logger(__name__)

STREAM = "EVENTS"
SESSION_REVOCATIONS = "session_revocations"
"""Table whose rows say that a sign-in session ended; clients do not see it."""


class ChangeFeed:
    """Feed that keeps the hub up to date; `run` never returns."""

    def __init__(self, broker: Broker, hub: Hub) -> None:
        self._hub = hub
        self._consumer = OrderedConsumer(
            broker,
            STREAM,
            events.SUBJECTS,
            start=self._last_minutes,
            on_message=self._publish,
            on_reset=hub.reset,
            on_live=lambda live: hub.readiness.update(Source.CHANGES, live=live),
        )

    async def run(self) -> None:
        """Feed the hub until cancelled."""
        await self._consumer.run()

    def _publish(self, sequence: int, message: Msg) -> None:
        try:
            event = RawEvent.parse(message.data)
            if self._is_no_change(event):
                self._hub.skip(sequence)
                return
            change = changes.read(sequence, message.metadata.timestamp.timestamp(), event)
        except (NotAnEvent, NotAChange, KeyError) as error:
            self._hub.skip(sequence)
            log.warning("event_not_understood", subject=message.subject, sequence=sequence, error=repr(error))
        else:
            self._hub.publish(change)

    def _is_no_change(self, event: RawEvent) -> bool:
        """Whether the event is none of a row that clients see; what it means is done."""
        if event.table == SESSION_REVOCATIONS:
            self._hub.end_session(str((event.record or {})["session_id"]))
        elif event.table in announcements.ANNOUNCED:
            self._hub.rooms.announce(announcements.read(event))
        else:
            return False
        return True

    def _last_minutes(self) -> ConsumerConfig:
        since = datetime.fromtimestamp(time.time() - self._hub.kept_seconds, UTC)
        return ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=since)
