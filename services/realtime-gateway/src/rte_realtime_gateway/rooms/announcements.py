"""Announcements: broadcasts on members' own channels that the system sends."""

from typing import Any, NamedTuple

import orjson

from rte_common.events import RawEvent
from rte_realtime_gateway.protocol.frames import Broadcast

EXPORT_EVENTS = {"ready": "export.ready", "failed": "export.failed"}
REPORT_EVENT = "report.ready"
REMINDER_EVENT = "reminder"
ANNOUNCED = {
    "exports": ("id", "format", "finished_at"),
    "reports": ("id", "starts_on", "ends_on"),
    "notifications": ("id", "kind", "expectation_id", "title", "estimated_completion", "created_at"),
}
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
    return Announcement(
        team_id=event.team_id,
        user_id=None if event.table == "reports" else event.user_id,
        broadcast=Broadcast(
            event=_name(event.table, record),
            payload=orjson.dumps({name: record[name] for name in ANNOUNCED[event.table]}),
            meta=orjson.dumps({"id": event.id}),
        ),
    )


def _name(table: str, record: dict[str, Any]) -> str:
    match table:
        case "exports":
            return EXPORT_EVENTS[record["status"]]
        case "reports":
            return REPORT_EVENT
        case _:
            return REMINDER_EVENT
