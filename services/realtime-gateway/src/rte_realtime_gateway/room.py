"""Rooms: who hears whose broadcasts. A room is one team's: rooms of two teams never meet, whatever their names."""

from typing import TYPE_CHECKING, NamedTuple

from rte_realtime_gateway import metrics
from rte_realtime_gateway.protocol.frames import Broadcast, Version, push_broadcast

if TYPE_CHECKING:
    from rte_realtime_gateway.channel import Channel


class RoomName(NamedTuple):
    """A private and a public join of the same topic are two rooms."""

    team_id: str
    topic: str
    private: bool


class Room:
    """The channels of this process that are in a room."""

    def __init__(self, name: RoomName) -> None:
        self.name = name
        self.members: set[Channel] = set()

    def deliver(self, broadcast: Broadcast, sender: "Channel | None" = None) -> None:
        """Write the broadcast to everybody in the room; to the sender only if it asked for that."""
        frames = {version: push_broadcast(version, self.name.topic, broadcast) for version in Version}
        receivers = 0
        for channel in list(self.members):
            frame = frames[channel.session.version]
            if frame is not None and (channel is not sender or channel.request.self_broadcast):
                channel.session.write(frame)
                receivers += 1
        metrics.DELIVERIES.labels("broadcast").inc(receivers)
