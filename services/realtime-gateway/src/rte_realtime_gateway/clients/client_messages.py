"""Client messages: what a client says on an open channel, and what its room sends it in turn."""

import orjson
import structlog

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.authorization import Grant
from rte_realtime_gateway.access.limits import MAX_LOGGED_CHARACTERS, PRESENCE_RATE, RateLimit
from rte_realtime_gateway.clients.writer import ChannelWriter
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.ports import Listener
from rte_realtime_gateway.protocol import json_text, messages
from rte_realtime_gateway.protocol.frames import Broadcast, Encoding, Message, push_broadcast
from rte_realtime_gateway.protocol.join import JoinRequest
from rte_realtime_gateway.protocol.json_text import BadJson, Part
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES, Cursor, Entry, joins_payload
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES, NOT_KEPT, seconds_to_keep
from rte_realtime_gateway.rooms.rooms import Room

log = structlog.get_logger(__name__)

NO_FIELDS = Part({}, "{}")
TOO_MANY = "ClientRateLimitReached: Too many messages per second"


class BadBroadcast(ValueError):
    """Broadcast that is not sent on; the text says why."""


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
                self._writer.reply(message, self._track(message, grant))
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
        try:
            broadcast = read_broadcast(message)
        except BadBroadcast as error:
            self._acknowledge(message, messages.error(f"InvalidBroadcast: {error}"))
            return
        refusal = self._refused(broadcast, grant)
        if refusal is not None:
            self._acknowledge(message, refusal)
        elif (seconds := self._seconds_to_keep(broadcast)) is None:
            self._hub.rooms.broadcast(self._room.name, broadcast, self._listener)
            self._acknowledge(message, messages.ok())
        else:
            self._send_kept(message, broadcast, seconds)

    def _refused(self, broadcast: Broadcast, grant: Grant) -> bytes | None:
        """The reply to a broadcast that cannot be sent."""
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

    def _send_kept(self, message: Message, broadcast: Broadcast, seconds: int) -> None:
        if len(broadcast.payload) > MAX_KEPT_BYTES:
            self._acknowledge(message, messages.error(f"TooLargeToPersist: at most {MAX_KEPT_BYTES} bytes"))
            return

        def answered(number: str | None) -> None:
            reply = messages.error(NOT_KEPT) if number is None else messages.ok({"id": number})
            if self._may_still_hear():
                self._acknowledge(message, reply)

        self._hub.replay.send(self._room.name, broadcast, seconds, answered, self._listener)

    def _acknowledge(self, message: Message, reply: bytes) -> None:
        if self._request.ack:
            self._writer.reply(message, reply)

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

    def _track(self, message: Message, grant: Grant) -> bytes:
        """Do what a presence message says; returns the reply."""
        said = message.payload if isinstance(message.payload, dict) else {}
        verb = str(said.get("event", "")).lower()
        if verb == "untrack":
            self.end(for_good=True)
            return messages.ok()
        if verb != "track":
            return messages.error("InvalidPresence: the event is track or untrack")
        if not isinstance(said.get("payload", {}), dict):
            return messages.error("Presence track payload must be a map")
        try:
            payload = json_text.whole(message.text, json_text.members()).get("payload", NO_FIELDS).text
        except BadJson as error:
            return messages.error(f"InvalidPresence: the message {error}")
        if len(payload.encode()) > MAX_META_BYTES:
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
        self._entry = self._hub.rooms.track(self._room, self._listener, key, member_id, payload, self._entry)
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


def read_broadcast(message: Message) -> Broadcast:
    """The broadcast of a message: a binary frame's, or a text frame's whole payload as it was sent.

    Raises BadBroadcast for what would break the official clients of everybody who hears it.
    """
    payload = message.payload
    if isinstance(payload, Broadcast):
        return payload
    if not isinstance(payload, dict):
        raise BadBroadcast("the payload is an object")
    if "ids" in payload:  # realtime-js takes any such message for a row change
        raise BadBroadcast("`ids` beside the event is for row changes only")
    if not isinstance(payload.get("event"), str | None):
        raise BadBroadcast("the event is a string")
    return Broadcast("", message.text.encode(), Encoding.MESSAGE)
