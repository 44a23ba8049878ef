"""Rooms: who hears whose broadcasts and sees who is present. A room is one team's: those of two teams never meet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import MEMBER_CHANNEL, Grant
from rte_realtime_gateway.protocol.frames import Broadcast, Version, push, push_broadcast
from rte_realtime_gateway.protocol.messages import PREFIX
from rte_realtime_gateway.rooms.announcements import Announcement
from rte_realtime_gateway.rooms.presence import NOBODY, Entry, EntryId, Meta, Presence, new_ref

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.channel import Channel

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds, like the event loop's `call_later`."""

LEAVE_SECONDS = 4.0
"""How long somebody whose connection broke stays present: who returns meanwhile was never gone."""
DIFF_SECONDS = 0.1
"""How long presence news gather: who comes and goes in a crowd is told in few messages."""


class RoomName(NamedTuple):
    """A private and a public join of the same topic are two rooms."""

    team_id: str
    topic: str
    private: bool


class Replicas:
    """The other processes that serve the same teams: none, unless a subclass knows them."""

    me = "alone"

    def broadcast(self, room: RoomName, broadcast: Broadcast) -> None:
        """Deliver it to the others' members of the room too."""

    def present(self, room: RoomName, entry: Entry) -> None:
        """Tell that somebody is present, now and for as long as `absent` is not called."""

    def absent(self, room: RoomName, entry: Entry) -> None:
        """Tell that somebody is gone."""


@dataclass(eq=False)
class Room:
    """The channels of this process that are in a room, and everybody who is present in it anywhere."""

    name: RoomName
    members: set["Channel"] = field(default_factory=set)
    presence: Presence = field(default_factory=Presence)
    owners: dict[EntryId, set["Channel"]] = field(default_factory=dict)
    """Who tracks the entries of this process: two when a session id was copied with its tab."""
    orphans: dict[EntryId, Entry] = field(default_factory=dict)
    """Entries, of this process or left behind by another, that wait for their clients to return."""
    _announcing: bool = False

    def deliver(self, broadcast: Broadcast, sender: "Channel | None" = None) -> None:
        """Write the broadcast to the members; to the sender only if it asked for that."""
        frames = {version: push_broadcast(version, self.name.topic, broadcast) for version in Version}
        receivers = 0
        for channel in list(self.members):
            frame = frames[channel.session.version]
            if frame is not None and (channel is not sender or channel.request.self_broadcast):
                channel.session.write(frame)
                receivers += 1
        metrics.DELIVERIES.labels("broadcast").inc(receivers)

    def disown(self, entry_id: EntryId, channel: "Channel") -> bool:
        """The channel tracks the entry no longer; returns whether nobody does now."""
        owners = self.owners.get(entry_id, set())
        owners.discard(channel)
        if not owners:
            self.owners.pop(entry_id, None)
        return not owners

    def announce(self, later: Later) -> None:
        """Tell the members soon who came and who left."""
        if not self._announcing:
            self._announcing = True
            later(DIFF_SECONDS, self.tell_news)

    def tell_news(self) -> None:
        """Tell the members now, if there is news."""
        if not self._announcing:
            return
        self._announcing = False
        for diff in self.presence.news():
            watching = [channel for channel in self.members if channel.sees_presence]
            frames = {version: push(version, self.name.topic, "presence_diff", diff) for version in Version}
            for channel in watching:
                channel.session.write(frames[channel.session.version])
            metrics.DELIVERIES.labels("presence").inc(len(watching))


class Rooms:
    """All rooms of this process."""

    def __init__(self, later: Later) -> None:
        self.replicas = Replicas()
        self._later = later
        self._rooms: dict[RoomName, Room] = {}

    def named(self, name: RoomName) -> Room:
        """The room of that name."""
        if name not in self._rooms:
            self._rooms[name] = Room(name)
        return self._rooms[name]

    def enter(self, name: RoomName, channel: "Channel") -> Room:
        """Let the channel hear what is said from now on."""
        room = self.named(name)
        room.tell_news()
        room.members.add(channel)
        return room

    def leave(self, room: Room, channel: "Channel") -> None:
        """Take the channel out."""
        room.members.discard(channel)
        self._forget_if_empty(room)

    def _forget_if_empty(self, room: Room) -> None:
        if not room.members and not room.presence.entries:
            self._rooms.pop(room.name, None)

    def broadcast(self, name: RoomName, broadcast: Broadcast, sender: "Channel | None" = None) -> None:
        """Send to everybody in the room, in this process and the others."""
        self.deliver(name, broadcast, sender)
        self.replicas.broadcast(name, broadcast)

    def deliver(self, name: RoomName, broadcast: Broadcast, sender: "Channel | None" = None) -> None:
        """Send to those in this process."""
        if name in self._rooms:
            self._rooms[name].deliver(broadcast, sender)

    def announce(self, announcement: Announcement) -> None:
        """Tell members of this process on their own channels, private and public; each process reads for itself."""
        team_id, user_id, broadcast = announcement
        topic = PREFIX + MEMBER_CHANNEL + (user_id or "")
        for name, room in list(self._rooms.items()):
            if name.team_id == team_id and (name.topic == topic or (user_id is None and name.topic.startswith(topic))):
                room.deliver(broadcast)

    # Presence of this process' clients

    def track(self, room: Room, channel: "Channel", grant: Grant, payload: Meta, old: Entry | None) -> Entry:
        """Let the channel's client be present as it says; returns the entry to `untrack` later."""
        key = channel.request.presence_key
        meta = {**payload, "user_id": grant.member.id}
        if old is not None and old.meta == meta:
            return old
        if old is not None:
            self.untrack(room, old, channel)
        orphan = self._orphan(room, key, meta)
        ref = orphan.ref if orphan else new_ref(channel.session.client_id, repr(room.name), key, meta)
        entry = Entry(key, ref, grant.member.id, meta, self.replicas.me)
        room.owners.setdefault(entry.id, set()).add(channel)
        room.orphans.pop(entry.id, None)
        self._put(room, entry)
        self.replicas.present(room.name, entry)
        return entry

    def _orphan(self, room: Room, key: str, meta: Meta) -> Entry | None:
        """What the same member said just before the connection broke: its phx_ref stays, so nobody sees a change."""
        for entry in room.orphans.values():
            if entry.key == key and entry.meta == meta:
                return entry
        return None

    def untrack(self, room: Room, entry: Entry, channel: "Channel") -> None:
        """The client is present no longer."""
        if room.disown(entry.id, channel):
            self._end(room, entry)

    def _end(self, room: Room, entry: Entry) -> None:
        room.orphans.pop(entry.id, None)
        known = room.presence.entries.get(entry.id)
        if known is not None and known.replica in (self.replicas.me, NOBODY):
            self._remove(room, entry.id)
            self.replicas.absent(room.name, entry)

    def lose(self, room: Room, entry: Entry, channel: "Channel") -> None:
        """The client's connection broke: it is gone unless it comes back soon."""
        if room.disown(entry.id, channel):
            self._await_return(room, entry)

    def _await_return(self, room: Room, entry: Entry) -> None:
        room.orphans[entry.id] = entry
        self._later(LEAVE_SECONDS, lambda: self._give_up(room, entry))

    def _give_up(self, room: Room, entry: Entry) -> None:
        if room.orphans.get(entry.id) is entry:
            self._end(room, entry)

    # Presence of the others' clients

    def present_elsewhere(self, name: RoomName, entry: Entry) -> bool:
        """Another process has this client; returns False if we have it."""
        room = self.named(name)
        if entry.id in room.owners:
            return False
        room.orphans.pop(entry.id, None)
        self._put(room, entry)
        if entry.replica == NOBODY:
            self._await_return(room, entry)
        return True

    def absent_elsewhere(self, name: RoomName, entry: Entry) -> None:
        """Another process says that this client is gone, or it stopped saying that it is present."""
        room = self._rooms.get(name)
        if room is None:
            return
        known = room.presence.entries.get(entry.id)
        if known is not None and known.replica == self.replicas.me:
            self.replicas.present(name, known)  # it came to us meanwhile
        elif known is not None:
            self._remove(room, entry.id)

    def _put(self, room: Room, entry: Entry) -> None:
        if room.presence.put(entry):
            room.announce(self._later)

    def _remove(self, room: Room, entry_id: EntryId) -> None:
        if room.presence.remove(entry_id):
            room.announce(self._later)
        self._forget_if_empty(room)
