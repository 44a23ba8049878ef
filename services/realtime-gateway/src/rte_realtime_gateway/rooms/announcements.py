"""Announcements: broadcasts on members' own channels that the system sends."""

from typing import Any, NamedTuple

import orjson

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


def read(event: dict[str, Any]) -> Announcement:
    """The announcement of an event of one of the ANNOUNCED tables; raises KeyError when something is missing in it."""
    table, record = event["table"], event["record"]
    is_report = table == "reports"
    return Announcement(
        team_id=event["team_id"],
        user_id=None if is_report else event["user_id"],
        broadcast=Broadcast(
            event=REPORT_EVENT if is_report else EXPORT_EVENTS[record["status"]],
            payload=orjson.dumps({name: record[name] for name in ANNOUNCED[table]}),
            meta=orjson.dumps({"id": event["id"]}),
        ),
    )
