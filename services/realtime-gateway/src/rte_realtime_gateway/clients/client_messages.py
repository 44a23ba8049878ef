"""What a client says on an open channel: broadcasts and presence."""

from typing import TYPE_CHECKING, Any

import orjson

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import Grant
from rte_realtime_gateway.access.limits import PRESENCE, Allowance
from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.frames import Broadcast, Message, push_broadcast
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES, Behind, Entry, joined
from rte_realtime_gateway.rooms.replay import MAX_PERSISTED_BYTES, seconds_to_keep
from rte_realtime_gateway.rooms.rooms import Room

if TYPE_CHECKING:
    from rte_realtime_gateway.clients.channel import Channel

NOT_KEPT = "UnableToPersistMessage: The others have heard it, but it could not be kept"
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
        broadcast = read_broadcast(message.payload)
        refusal = self._refused(broadcast, grant)
        if broadcast is None or refusal is not None:
            self._acknowledge(message.ref, refusal)
        elif (seconds := self._seconds_to_keep(broadcast)) is None:
            self._hub.rooms.broadcast(self._room.name, broadcast, self._channel)
            self._acknowledge(message.ref, messages.ok())
        else:
            self._persist(message.ref, broadcast, seconds)

    def _refused(self, broadcast: Broadcast | None, grant: Grant) -> bytes | None:
        """The reply to a broadcast that cannot be sent."""
        if broadcast is None:
            return messages.error("InvalidBroadcast: a broadcast has an event and a payload")
        if refusal := self._refusal(grant):
            return messages.error(refusal)
        if broadcast.is_too_large(self._channel.topic):
            metrics.DROPS.labels("too_large").inc()
            return messages.too_large()
        return None

    def _seconds_to_keep(self, broadcast: Broadcast) -> int | None:
        """Public rooms keep nothing, as on the real server."""
        if not self._channel.request.private or not broadcast.meta:
            return None
        return seconds_to_keep(orjson.loads(broadcast.meta).get("persist"))

    def _persist(self, ref: str | None, broadcast: Broadcast, seconds: int) -> None:
        if len(broadcast.payload) > MAX_PERSISTED_BYTES:
            self._acknowledge(ref, messages.error(f"TooLargeToPersist: at most {MAX_PERSISTED_BYTES} bytes"))
            return

        def answered(number: str | None) -> None:
            reply = messages.error(NOT_KEPT) if number is None else messages.ok({"id": number})
            if self._channel in self._room.members:
                self._acknowledge(ref, reply)

        self._hub.persisted.send(self._room.name, broadcast, seconds, answered, self._channel)

    def _acknowledge(self, ref: str | None, reply: bytes | None) -> None:
        if self._channel.request.ack and reply is not None:
            self._channel.reply(ref, reply)

    def send_replay(self) -> None:
        """Tell what was persisted in the room before, if that was asked for."""
        if wanted := self._channel.request.replay:
            self._write_replay(self._hub.persisted.replay(self._room.name, wanted.since, wanted.limit))

    def _write_replay(self, kept: list[Broadcast]) -> None:
        """Make each frame when it can be written: until then it would be kept for every slow member."""
        session = self._channel.session
        while kept and self._channel in self._room.members:
            if session.lagging:
                session.when_writable(self._channel, lambda: self._write_replay(kept))
                return
            frame = push_broadcast(session.version, self._channel.topic, kept.pop(0))
            if frame is not None:
                session.write(frame)
                metrics.DELIVERIES.labels("replayed").inc()

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
            self._channel.session.when_writable(self._channel, lambda: self._tell_rest(behind))
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
