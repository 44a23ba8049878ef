"""Rooms: who hears whose broadcasts and sees who is present. A room is one team's: those of two teams never meet."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import MEMBER_CHANNEL
from rte_realtime_gateway.ports import Later, Listener
from rte_realtime_gateway.protocol.frames import Broadcast, Version, push, push_broadcast
from rte_realtime_gateway.protocol.messages import PREFIX
from rte_realtime_gateway.rooms.announcements import Announcement
from rte_realtime_gateway.rooms.presence import NOBODY, Entry, EntryId, Meta, Presence, meta_of, new_ref

RETURN_SECONDS = 4.0
"""Seconds that somebody whose connection broke stays present: who returns meanwhile was never gone."""
DIFF_SECONDS = 0.1
"""Seconds after a presence diff for which the next ones gather: who comes and goes in a crowd is told in few
messages, and one alone at once."""


class RoomName(NamedTuple):
    """A topic of one team. A private and a public join of the same topic are two rooms."""

    team_id: str
    topic: str
    private: bool


class Relay(Protocol):
    """Port to the peers, the other processes that serve the same teams: `broker.broadcast_relay.BroadcastRelay`."""

    def broadcast(self, room: RoomName, broadcast: Broadcast) -> None:
        """Deliver it to the peers' members of the room too."""


class Registry(Protocol):
    """Port to what the peers know about who is present: `broker.shared_presence.OwnPresences`."""

    @property
    def peer_id(self) -> str:
        """Id of this process among its peers."""

    def present(self, room: RoomName, entry: Entry) -> None:
        """Say that somebody is present here, now and for as long as `absent` is not called."""

    def absent(self, room: RoomName, entry: Entry) -> None:
        """Say that somebody is gone."""


@dataclass(eq=False)
class Room:
    """The channels of this process that are in a room, and everybody who is present in it anywhere."""

    name: RoomName
    members: set[Listener] = field(default_factory=set)
    presence: Presence = field(default_factory=Presence)
    owners: dict[EntryId, set[Listener]] = field(default_factory=dict)
    """Channels that track the entries of this process: two when a session id was copied with its tab."""
    orphans: dict[EntryId, Entry] = field(default_factory=dict)
    """Entries, of this process or left behind by another, that wait for their clients to return."""
    _gathering: bool = False
    """Whether diffs that come now are sent together, soon."""

    def deliver(self, broadcast: Broadcast, sender: Listener | None = None) -> None:
        """Write the broadcast to the members; to the sender only if it asked for that."""
        frames = {version: push_broadcast(version, self.name.topic, broadcast) for version in Version}
        receivers = 0
        for member in list(self.members):
            frame = frames[member.version]
            if frame is not None and (member is not sender or member.hears_itself):
                member.write(frame)
                receivers += 1
        metrics.DELIVERIES.labels("broadcast").inc(receivers)

    def disown(self, entry_id: EntryId, listener: Listener) -> bool:
        """Take the entry from the channel, which tracks it no longer; returns whether nobody does now."""
        owners = self.owners.get(entry_id, set())
        owners.discard(listener)
        if not owners:
            self.owners.pop(entry_id, None)
        return not owners

    def send_diffs_soon(self, later: Later) -> None:
        """Tell the members soon who came and who left: after the answer to who did, so that it comes first."""
        if not self._gathering:
            self._gathering = True
            later(0, lambda: self._send_gathered(later))

    def _send_gathered(self, later: Later) -> None:
        self._gathering = self.send_diffs()
        if self._gathering:
            later(DIFF_SECONDS, lambda: self._send_gathered(later))

    def send_diffs(self) -> bool:
        """Tell the members now who came and who left; returns whether anybody did."""
        any_diff = False
        for diff in self.presence.take_diffs():
            any_diff = True
            watching = [member for member in self.members if member.sees_presence]
            frames = {version: push(version, self.name.topic, "presence_diff", diff) for version in Version}
            for member in watching:
                member.write(frames[member.version])
            metrics.DELIVERIES.labels("presence").inc(len(watching))
        return any_diff


class Rooms:
    """All rooms of this process."""

    def __init__(self, later: Later, relay: Relay, registry: Registry) -> None:
        self._later = later
        self._relay = relay
        self._registry = registry
        self._rooms: dict[RoomName, Room] = {}

    def named(self, name: RoomName) -> Room:
        """The room of that name."""
        if name not in self._rooms:
            self._rooms[name] = Room(name)
        return self._rooms[name]

    def enter(self, name: RoomName, listener: Listener) -> Room:
        """Let the channel hear what is said from now on."""
        room = self.named(name)
        room.send_diffs()
        room.members.add(listener)
        return room

    def leave(self, room: Room, listener: Listener) -> None:
        """Take the channel out."""
        room.members.discard(listener)
        self._drop_if_empty(room)

    def _drop_if_empty(self, room: Room) -> None:
        if not room.members and not room.presence.entries:
            self._rooms.pop(room.name, None)

    def broadcast(self, name: RoomName, broadcast: Broadcast, sender: Listener | None = None) -> None:
        """Send to everybody in the room, in this process and its peers."""
        self.deliver(name, broadcast, sender)
        self._relay.broadcast(name, broadcast)

    def deliver(self, name: RoomName, broadcast: Broadcast, sender: Listener | None = None) -> None:
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

    def track(self, room: Room, listener: Listener, key: str, member_id: str, payload: str, old: Entry | None) -> Entry:
        """Let the channel's client be present as it says, in JSON; returns the entry to `untrack` later."""
        meta = meta_of(payload, member_id)
        if old is not None and old.meta == meta:
            return old
        if old is not None:
            self.untrack(room, old, listener)
        orphan = self._orphan(room, key, meta)
        ref = orphan.ref if orphan else new_ref(listener.client.client_id, repr(room.name), key, meta)
        entry = Entry(key, ref, member_id, meta, self._registry.peer_id)
        room.owners.setdefault(entry.id, set()).add(listener)
        room.orphans.pop(entry.id, None)
        self._put(room, entry)
        self._registry.present(room.name, entry)
        return entry

    def _orphan(self, room: Room, key: str, meta: Meta) -> Entry | None:
        """What the same member said just before the connection broke: its phx_ref stays, so nobody sees a change."""
        for entry in room.orphans.values():
            if entry.key == key and entry.meta == meta:
                return entry
        return None

    def untrack(self, room: Room, entry: Entry, listener: Listener) -> None:
        """Let the channel's client be present no longer."""
        if room.disown(entry.id, listener):
            self._end(room, entry)

    def _end(self, room: Room, entry: Entry) -> None:
        room.orphans.pop(entry.id, None)
        known = room.presence.entries.get(entry.id)
        if known is not None and known.peer_id in (self._registry.peer_id, NOBODY):
            self._remove(room, entry.id)
            self._registry.absent(room.name, entry)

    def lose(self, room: Room, entry: Entry, listener: Listener) -> None:
        """Record that the client's connection broke: it is gone unless it comes back soon."""
        if room.disown(entry.id, listener):
            self._await_return(room, entry)

    def _await_return(self, room: Room, entry: Entry) -> None:
        room.orphans[entry.id] = entry
        self._later(RETURN_SECONDS, lambda: self._give_up(room, entry))

    def _give_up(self, room: Room, entry: Entry) -> None:
        if room.orphans.get(entry.id) is entry:
            self._end(room, entry)

    # Presence of the peers' clients

    def present_elsewhere(self, name: RoomName, entry: Entry) -> bool:
        """Record that a peer has this client; returns False if this process has it."""
        room = self.named(name)
        if entry.id in room.owners:
            return False
        room.orphans.pop(entry.id, None)
        self._put(room, entry)
        if entry.peer_id == NOBODY:
            self._await_return(room, entry)
        return True

    def absent_elsewhere(self, name: RoomName, entry: Entry) -> None:
        """Record that a peer says that this client is gone, or stopped saying that it is present."""
        room = self._rooms.get(name)
        if room is None:
            return
        known = room.presence.entries.get(entry.id)
        if known is not None and known.peer_id == self._registry.peer_id:
            self._registry.present(name, known)  # it came to us meanwhile
        elif known is not None:
            self._remove(room, entry.id)

    def _put(self, room: Room, entry: Entry) -> None:
        if room.presence.put(entry):
            room.send_diffs_soon(self._later)

    def _remove(self, room: Room, entry_id: EntryId) -> None:
        if room.presence.remove(entry_id):
            room.send_diffs_soon(self._later)
        self._drop_if_empty(room)
