"""Announcements: broadcasts on members' own channels that the system sends."""

from typing import NamedTuple

import orjson

from rte_common.events import RawEvent
from rte_realtime_gateway.protocol.frames import Broadcast

EXPORT_EVENTS = {"ready": "export.ready", "failed": "export.failed"}
REPORT_EVENT = "report.ready"
ANNOUNCED = {"exports": ("id", "format", "finished_at"), "reports": ("id", "starts_on", "ends_on")}
"""Tables whose events are announced, and which columns are sent; more is read over REST."""


class Announcement(NamedTuple):
    """A broadcast on the channel of one member of the team, or of each of them."""

    team_id: str
    user_id: str | None
    """Member to whom it is sent; None: all members of the team."""
    broadcast: Broadcast


def read(event: RawEvent) -> Announcement:
    """The announcement of an event of one of the ANNOUNCED tables; raises KeyError when something is missing in it."""
    record = event.record or {}
    is_report = event.table == "reports"
    return Announcement(
        team_id=event.team_id,
        user_id=None if is_report else event.user_id,
        broadcast=Broadcast(
            event=REPORT_EVENT if is_report else EXPORT_EVENTS[record["status"]],
            payload=orjson.dumps({name: record[name] for name in ANNOUNCED[event.table]}),
            meta=orjson.dumps({"id": event.id}),
        ),
    )
