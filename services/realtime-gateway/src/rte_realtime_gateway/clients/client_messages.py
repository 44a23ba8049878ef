"""Client messages: what a client says on an open channel, and what its room sends it in turn."""

from typing import Any

import orjson
import structlog

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import Grant
from rte_realtime_gateway.access.limits import MAX_LOGGED_CHARACTERS, PRESENCE_RATE, RateLimit
from rte_realtime_gateway.clients.writer import ChannelWriter
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.ports import Listener
from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.frames import Broadcast, Message, push_broadcast
from rte_realtime_gateway.protocol.join import JoinRequest
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES, Cursor, Entry, joins_payload
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES, NOT_KEPT, seconds_to_keep
from rte_realtime_gateway.rooms.rooms import Room

log = structlog.get_logger(__name__)

TOO_MANY = "ClientRateLimitReached: Too many messages per second"


class ClientMessages:
    """Way of one channel's messages to its room. Every refusal is a reply: no channel ends for what was said."""

    def __init__(self, listener: Listener, writer: ChannelWriter, hub: Hub, room: Room, request: JoinRequest) -> None:
        self._listener = listener
        self._writer = writer
        self._hub = hub
        self._room = room
        self._request = request
        self._entry: Entry | None = None
        """The presence that the client tracks."""
        self._presence_rate = RateLimit(*PRESENCE_RATE)
        self._logged = False

    def receive(self, message: Message, grant: Grant) -> None:
        """Take one message of the client."""
        match message.event:
            case "broadcast":
                self._broadcast(message, grant)
            case "presence":
                self._writer.reply(message.ref, self._track(message.payload, grant))
            case _:
                metrics.DROPS.labels("unknown_event").inc()
                self._log_unknown(message.event)

    def _log_unknown(self, event: str) -> None:
        if not self._logged:  # a client may repeat it as fast as it likes
            self._logged = True
            log.info("client_event_unknown", topic=self._room.name.topic, said=event[:MAX_LOGGED_CHARACTERS])

    def _may_still_hear(self) -> bool:
        return self._listener in self._room.members

    # Broadcasts

    def _broadcast(self, message: Message, grant: Grant) -> None:
        broadcast = read_broadcast(message.payload)
        refusal = self._refused(broadcast, grant)
        if broadcast is None or refusal is not None:
            self._acknowledge(message.ref, refusal)
        elif (seconds := self._seconds_to_keep(broadcast)) is None:
            self._hub.rooms.broadcast(self._room.name, broadcast, self._listener)
            self._acknowledge(message.ref, messages.ok())
        else:
            self._send_kept(message.ref, broadcast, seconds)

    def _refused(self, broadcast: Broadcast | None, grant: Grant) -> bytes | None:
        """The reply to a broadcast that cannot be sent."""
        if broadcast is None:
            return messages.error("InvalidBroadcast: a broadcast has an event and a payload")
        if refusal := self._refusal(grant):
            return messages.error(refusal)
        if broadcast.is_too_large(self._room.name.topic):
            metrics.DROPS.labels("too_large").inc()
            return messages.too_large()
        return None

    def _seconds_to_keep(self, broadcast: Broadcast) -> int | None:
        """Public rooms keep nothing, as on the real server."""
        if not self._request.private or not broadcast.meta:
            return None
        return seconds_to_keep(orjson.loads(broadcast.meta).get("persist"))

    def _send_kept(self, ref: str | None, broadcast: Broadcast, seconds: int) -> None:
        if len(broadcast.payload) > MAX_KEPT_BYTES:
            self._acknowledge(ref, messages.error(f"TooLargeToPersist: at most {MAX_KEPT_BYTES} bytes"))
            return

        def answered(number: str | None) -> None:
            reply = messages.error(NOT_KEPT) if number is None else messages.ok({"id": number})
            if self._may_still_hear():
                self._acknowledge(ref, reply)

        self._hub.replay.send(self._room.name, broadcast, seconds, answered, self._listener)

    def _acknowledge(self, ref: str | None, reply: bytes | None) -> None:
        if self._request.ack and reply is not None:
            self._writer.reply(ref, reply)

    def send_replay(self) -> None:
        """Send the kept broadcasts of the room, if the join asked for them."""
        if wanted := self._request.replay:
            self._write_replay(self._hub.replay.newest(self._room.name, wanted.since, wanted.limit))

    def _write_replay(self, kept: list[Broadcast]) -> None:
        """Make each frame when it can be written: until then it would be kept for every slow member."""
        while kept and self._may_still_hear():
            if self._writer.lagging:
                self._writer.when_writable(lambda: self._write_replay(kept))
                return
            frame = push_broadcast(self._writer.version, self._writer.topic, kept.pop(0))
            if frame is not None:
                self._writer.write(frame)
                metrics.DELIVERIES.labels("replayed").inc()

    def _refusal(self, grant: Grant) -> str | None:
        if not grant.may_write:
            return f"Unauthorized: You do not have permissions to write to this Channel topic: {self._writer.name}"
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
        if refusal is None and not self._presence_rate.acquire(self._hub.clock()):
            refusal = "ClientPresenceRateLimitReached: Client presence rate limit exceeded"
        if refusal is not None:
            return messages.error(refusal)
        if not self._listener.sees_presence:
            self.send_presence_state()
            self._listener.sees_presence = True
        key, member_id = self._request.presence_key, grant.member.id
        self._entry = self._hub.rooms.track(self._room, self._listener, key, member_id, meta, self._entry)
        return messages.ok()

    def send_presence_state(self) -> None:
        """Send who is present: as many as one message takes, and the others in turn with what else is sent."""
        self._room.send_diffs()
        cursor = self._room.presence.cursor()
        self._writer.send("presence_state", orjson.dumps(self._room.presence.next_part(cursor)))
        self._send_rest_soon(cursor)

    def _send_rest_soon(self, cursor: Cursor) -> None:
        if not cursor.is_over:
            self._hub.later(0, lambda: self._send_rest(cursor))

    def _send_rest(self, cursor: Cursor) -> None:
        if not self._may_still_hear():
            return  # it ended meanwhile
        if self._writer.lagging:
            self._writer.when_writable(lambda: self._send_rest(cursor))
            return
        if part := self._room.presence.next_part(cursor):
            self._writer.send("presence_diff", joins_payload(part))
        self._send_rest_soon(cursor)

    def end(self, *, for_good: bool) -> None:
        """Let the client be present no longer; unless `for_good`, it may come back within a few seconds unnoticed."""
        entry, self._entry = self._entry, None
        if entry is None:
            return
        if for_good:
            self._hub.rooms.untrack(self._room, entry, self._listener)
        else:
            self._hub.rooms.lose(self._room, entry, self._listener)


def read_broadcast(payload: Any) -> Broadcast | None:
    """The broadcast in a message's payload: a binary frame's, or `{event, payload}`."""
    if isinstance(payload, Broadcast):
        return payload
    if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
        return None
    return Broadcast(payload["event"], orjson.dumps(payload.get("payload", {})))
