"""Announcements: what the system tells members on their own channels, as broadcasts that nobody has sent."""

from typing import Any, NamedTuple

import orjson

from rte_realtime_gateway.protocol.frames import Broadcast

EXPORT_EVENTS = {"ready": "export.ready", "failed": "export.failed"}
REPORT_EVENT = "report.ready"
TOLD = {"exports": ("id", "format", "finished_at"), "reports": ("id", "starts_on", "ends_on")}
"""Tables whose events are announced, and which columns are told; more is read over REST."""


class Announcement(NamedTuple):
    """A broadcast on the channel of one member of the team, or of each of them."""

    team_id: str
    user_id: str | None
    """None: all members."""
    broadcast: Broadcast


def read(event: dict[str, Any]) -> Announcement:
    """What an event of one of the TOLD tables announces; raises KeyError when something is missing in it."""
    table, record = event["table"], event["record"]
    is_report = table == "reports"
    return Announcement(
        team_id=event["team_id"],
        user_id=None if is_report else event["user_id"],
        broadcast=Broadcast(
            event=REPORT_EVENT if is_report else EXPORT_EVENTS[record["status"]],
            payload=orjson.dumps({name: record[name] for name in TOLD[table]}),
            meta=orjson.dumps({"id": event["id"]}),
        ),
    )
