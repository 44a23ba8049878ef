"""What a client says on an open channel: broadcasts and presence."""

from typing import TYPE_CHECKING, Any

import orjson

from rte_realtime_gateway import metrics
from rte_realtime_gateway.authorization import Grant
from rte_realtime_gateway.limits import PRESENCE, Allowance
from rte_realtime_gateway.presence import MAX_META_BYTES, Behind, Entry, joined
from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.frames import Broadcast, Message
from rte_realtime_gateway.room import Room

if TYPE_CHECKING:
    from rte_realtime_gateway.channel import Channel

TOO_MANY = "ClientRateLimitReached: Too many messages per second"


class Pushes:
    """Takes the messages of one channel to its room. Every refusal is a reply: no channel ends for what was said."""

    def __init__(self, channel: "Channel", room: Room) -> None:
        self._channel = channel
        self._room = room
        self._hub = channel.session.hub
        self._entry: Entry | None = None
        self._presence = Allowance(*PRESENCE)

    def receive(self, message: Message, grant: Grant) -> None:
        """Take one message of the client."""
        match message.event:
            case "broadcast":
                self._broadcast(message, grant)
            case "presence":
                self._channel.reply(message.ref, self._track(message.payload, grant))
            case _:
                metrics.DROPS.labels("unknown_event").inc()
                self._channel.log_once("client_event_unknown", message.event)

    def _broadcast(self, message: Message, grant: Grant) -> None:
        reply = self._send(read_broadcast(message.payload), grant)
        if self._channel.request.ack:
            self._channel.reply(message.ref, reply)

    def _send(self, broadcast: Broadcast | None, grant: Grant) -> bytes:
        """Take a broadcast to the room; returns the reply."""
        if broadcast is None:
            return messages.error("InvalidBroadcast: a broadcast has an event and a payload")
        if refusal := self._refusal(grant):
            return messages.error(refusal)
        if broadcast.is_too_large(self._channel.topic):
            metrics.DROPS.labels("too_large").inc()
            return messages.too_large()
        self._hub.rooms.broadcast(self._room.name, broadcast, self._channel)
        return messages.ok()

    def _refusal(self, grant: Grant) -> str | None:
        if not grant.may_write:
            return f"Unauthorized: You do not have permissions to write to this Channel topic: {self._channel.name}"
        if not self._hub.limits.may_send(grant.member):
            metrics.DROPS.labels("message_rate").inc()
            return TOO_MANY
        return None

    # Presence

    def _track(self, payload: Any, grant: Grant) -> bytes:
        """Do what a presence message says; returns the reply."""
        said = payload if isinstance(payload, dict) else {}
        verb = str(said.get("event", "")).lower()
        if verb == "untrack":
            self.end(for_good=True)
            return messages.ok()
        meta = said.get("payload")
        if verb != "track":
            return messages.error("InvalidPresence: the event is track or untrack")
        if not isinstance(meta, dict):
            return messages.error("Presence track payload must be a map")
        if len(orjson.dumps(meta)) > MAX_META_BYTES:
            return messages.error(f"Track message size exceeded: at most {MAX_META_BYTES} bytes")
        refusal = self._refusal(grant)
        if refusal is None and not self._presence.take(self._hub.clock()):
            refusal = "ClientPresenceRateLimitReached: Client presence rate limit exceeded"
        if refusal is not None:
            return messages.error(refusal)
        if not self._channel.sees_presence:
            self.send_presence_state()
            self._channel.sees_presence = True
        self._entry = self._hub.rooms.track(self._room, self._channel, grant, meta, self._entry)
        return messages.ok()

    def send_presence_state(self) -> None:
        """Tell who is present: as many as one message takes, and the others in turn with what else is told."""
        self._room.tell_news()
        behind = self._room.presence.behind()
        self._channel.send("presence_state", orjson.dumps(self._room.presence.next_part(behind)))
        self._tell_rest_soon(behind)

    def _tell_rest_soon(self, behind: Behind) -> None:
        if not behind.is_over:
            self._hub.later(0, lambda: self._tell_rest(behind))

    def _tell_rest(self, behind: Behind) -> None:
        if self._channel not in self._room.members:
            return  # it ended meanwhile
        if self._channel.session.lagging:
            self._channel.session.when_writable(lambda: self._tell_rest(behind))
            return
        if part := self._room.presence.next_part(behind):
            self._channel.send("presence_diff", joined(part))
        self._tell_rest_soon(behind)

    def end(self, *, for_good: bool) -> None:
        """The client is present no longer; unless `for_good`, it may come back within a few seconds unnoticed."""
        entry, self._entry = self._entry, None
        if entry is None:
            return
        if for_good:
            self._hub.rooms.untrack(self._room, entry, self._channel)
        else:
            self._hub.rooms.lose(self._room, entry, self._channel)


def read_broadcast(payload: Any) -> Broadcast | None:
    """The broadcast in a message's payload: a binary frame's, or `{event, payload}`."""
    if isinstance(payload, Broadcast):
        return payload
    if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
        return None
    return Broadcast(payload["event"], orjson.dumps(payload.get("payload", {})))
