"""The gateway's core without sockets, broker or clock: bytes in, bytes out."""

import heapq
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rte_common.auth import Member
from rte_common.events import RawEvent
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.readiness import Readiness, Source
from rte_realtime_gateway.changes.positions import Positions
from rte_realtime_gateway.clients.channel import Gate
from rte_realtime_gateway.clients.session import Session
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.ports import Later
from rte_realtime_gateway.protocol import bindings
from rte_realtime_gateway.protocol.changes import Change, read
from rte_realtime_gateway.protocol.frames import Broadcast, Ref, Version
from rte_realtime_gateway.rooms.presence import Entry
from rte_realtime_gateway.rooms.replay import Replay, Storage, Stored
from rte_realtime_gateway.rooms.rooms import RoomName, Rooms
from rte_testkit.gateway import TEAM, VERBS, row

TOPIC = "realtime:expectations:active"
FLUSH_SECONDS = 0.06
KEPT_SECONDS = 390.0
EXPIRY_GRACE_SECONDS = 35.0
ALL = {"event": "*", "schema": "public", "table": "expectations"}
SUBSCRIPTION = f"{TOPIC}#{bindings.read([ALL]).digest}"
"""Subscription of a client that joined for ALL."""


@dataclass
class Clock:
    """Time stands still until `advance`."""

    time: float = 1_700_000_000.0
    jumped: float = 0
    """How far the wall clock was set forward, or back."""
    _calls: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def now(self) -> float:
        return self.time + self.jumped

    def steady(self) -> float:
        return self.time

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._calls, (self.time + seconds, next(self._numbers), call))

    def advance(self, seconds: float = 0) -> None:
        """Let time pass, and everything happen that was due."""
        end = self.time + seconds
        while self._calls and self._calls[0][0] <= end:
            self.time, _, call = heapq.heappop(self._calls)
            call()
        self.time = end


@dataclass
class Tokens:
    """A gate that knows tokens without any cryptography: `token` makes them."""

    clock: Clock
    _members: dict[str, Member] = field(default_factory=dict)

    def token(
        self, user: str = "user_alex", *, team: str = TEAM, role: Any = "member", lives: float = 60, **more: Any
    ) -> str:
        token = f"header.{uuid.uuid4()}.signature"
        self._members[token] = Member(
            user, team, role, more.pop("session", f"sess_{user}"), self.clock.now() + lives, **more
        )
        return token

    def check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        if token in self._members:
            granted(self._members[token])
        else:
            refused(Refused("JwtSignatureError: The token's signature does not match"))


@dataclass
class Wire:
    """A socket's writing end that keeps what was written."""

    data: bytes = b""
    closed: tuple[int, str] | None = None
    slowed: float = 0
    queued_bytes: int = 0

    def write(self, data: bytes) -> None:
        assert self.closed is None, "written after the close"
        self.data += data

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)

    def slow_down(self, seconds: float) -> None:
        self.slowed += seconds

    def take_long_messages(self) -> None:
        """Any message is taken."""


@dataclass(frozen=True)
class Said:
    """One server message; `join_ref` is None where the version has none."""

    join_ref: Ref
    ref: Ref
    topic: str
    event: str
    payload: Any


@dataclass
class Client:
    """A client on the core, in either version."""

    world: "World"
    version: Version
    wire: Wire
    session: Session
    pings: list[bytes] = field(default_factory=list)
    binary: list[bytes] = field(default_factory=list)
    _refs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def say(
        self, event: str, payload: Any, *, topic: str = TOPIC, ref: str | None = "auto", join_ref: str | None = None
    ) -> str | None:
        """Send one message; returns its ref."""
        if ref == "auto":
            ref = str(next(self._refs))
        if self.version is Version.V2:
            message: Any = [join_ref, ref, topic, event, payload]
        else:
            message = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
        self.session.receive(json.dumps(message))
        return ref

    def join(self, topic: str = TOPIC, *, token: str | None = None, changes: Any = (ALL,), **config: Any) -> str:
        """Join; returns the ref, which is the join_ref as well."""
        ref = str(next(self._refs))
        payload: dict[str, Any] = {"config": {"postgres_changes": list(changes), **config}}
        if token is not None:
            payload["access_token"] = token
        self.say("phx_join", payload, topic=topic, ref=ref, join_ref=ref)
        return ref

    def heard(self) -> list[Said]:
        """Everything the server said since the last call, and what it says within the time of a shared write."""
        self.world.clock.advance(FLUSH_SECONDS)
        return self.heard_already()

    def heard_already(self) -> list[Said]:
        """Everything the server said since the last call."""
        data, self.wire.data = self.wire.data, b""
        said = []
        for first, payload in frames(data):
            if first == 0x81:
                said.append(self._read(json.loads(payload)))
            elif first == 0x82:
                self.binary.append(payload)
            else:
                assert first == 0x89
                self.pings.append(payload)
        return said

    def _read(self, message: Any) -> Said:
        if self.version is Version.V2:
            return Said(*message)
        assert set(message) == {"topic", "event", "payload", "ref"}
        return Said(None, message["ref"], message["topic"], message["event"], message["payload"])

    def heard_events(self) -> list[str]:
        """The event names of what the server said."""
        return [said.event for said in self.heard()]

    def heard_changes(self) -> list[Any]:
        """The rows of the changes that the server told, in order: title, or None for a delete."""
        return [
            said.payload["data"].get("record", {}).get("title")
            for said in self.heard()
            if said.event == "postgres_changes"
        ]

    def answer_pings(self) -> None:
        """Answer all pings, as a client's library does by itself."""
        self.heard()
        while self.pings:
            self.session.answered(self.pings.pop(0))
            self.heard()


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """First byte and payload of each websocket frame of a server."""
    while data:
        first, size, start = data[0], data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        assert len(data) >= start + size, "a frame is cut"
        yield first, data[start : start + size]
        data = data[start + size :]


def kind3(join_ref: str, ref: str, topic: str, event: str, meta: bytes, encoding: int, payload: bytes) -> bytes:
    """A user broadcast as realtime-js sends it."""
    fields = [join_ref.encode(), ref.encode(), topic.encode(), event.encode(), meta]
    return bytes((3, *map(len, fields), encoding)) + b"".join(fields) + payload


@dataclass
class Alone:
    """A process without peers."""

    peer_id: str = "alone"
    unshared: set[str] = field(default_factory=set)
    """Clients whose positions peers would have to be told."""
    storage: Storage | None = None

    def broadcast(self, room: RoomName, broadcast: Broadcast) -> None:
        """Nobody is there."""

    def present(self, room: RoomName, entry: Entry) -> None:
        """Nobody is there."""

    def absent(self, room: RoomName, entry: Entry) -> None:
        """Nobody is there."""

    def changed(self, client: str) -> None:
        self.unshared.add(client)

    def share_now(self, done: Callable[[], None]) -> None:
        done()

    def reset(self) -> None:
        self.unshared.clear()

    def store(self, room: RoomName, broadcast: Broadcast, seconds: int, stored: Stored) -> None:
        if self.storage is None:
            stored(False)
        else:
            self.storage.store(room, broadcast, seconds, stored)


def hub_alone(
    later: Later,
    peers: Alone | None = None,
    *,
    flush_seconds: float = FLUSH_SECONDS,
    expiry_grace: float = EXPIRY_GRACE_SECONDS,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> Hub:
    """A hub without peers."""
    peers = peers or Alone()
    rooms = Rooms(later, peers, peers)
    replay, positions = Replay(rooms, peers, now), Positions(peers, KEPT_SECONDS, clock)
    return Hub(
        later,
        rooms,
        replay,
        positions,
        Readiness(),
        flush_seconds=flush_seconds,
        expiry_grace=expiry_grace,
        kept_seconds=KEPT_SECONDS,
        now=now,
        clock=clock,
    )


@dataclass
class World:
    """One process: a hub, its clock, and who may sign in."""

    clock: Clock = field(default_factory=Clock)
    sequence: int = 0
    expiry_grace: float = EXPIRY_GRACE_SECONDS

    def __post_init__(self) -> None:
        clock = self.clock
        self.peers = Alone()
        self.hub = hub_alone(clock.later, self.peers, expiry_grace=self.expiry_grace, now=clock.now, clock=clock.steady)
        self.tokens = Tokens(self.clock)
        self.hub.reset(self.sequence, "the first")
        for source in Source:
            self.hub.readiness.update(source, live=True)

    def client(
        self,
        version: Version = Version.V2,
        *,
        api_key: str | None = None,
        session: str | None = None,
        gate: Gate | None = None,
    ) -> Client:
        """Connect."""
        wire = Wire()
        core = Session(self.hub, gate or self.tokens, wire, version, api_key=api_key, client_id=session)
        return Client(self, version, wire, core)

    def member(self, version: Version = Version.V2, user: str = "user_alex", **join: Any) -> Client:
        """Connect, join the team's channel and hear everything that a join brings."""
        client = self.client(version, session=join.pop("session", None))
        client.join(token=self.tokens.token(user, team=join.pop("team", TEAM)), **join)
        client.heard()
        return client

    def change(
        self, change: str = "INSERT", *, table: str = "expectation", old: dict[str, Any] | None = None, **values: Any
    ) -> dict[str, Any]:
        """Commit a change; returns the row. `committed_ago`: seconds that it was on its way to the broker."""
        committed_at = self.clock.now() - values.pop("committed_ago", 0)
        record = row(**values) if table == "expectation" else values
        team, user = record.get("team_id", TEAM), record.get("user_id", record.get("id"))
        self.hub.publish(self._change(change, table, team, user, record, old, committed_at))
        self.clock.advance()
        return record

    def _change(
        self,
        change: str,
        table: str,
        team: str,
        user: Any,
        record: dict[str, Any],
        old: dict[str, Any] | None,
        committed_at: float,
    ) -> Change:
        self.sequence += 1
        event = {
            "id": str(uuid.uuid4()),
            "type": f"{table}.{VERBS[change]}.v1",
            "occurred_at": datetime.fromtimestamp(committed_at, UTC).isoformat(),
            "team_id": team,
            "user_id": user,
            "table": f"{table}s",
            "change": change,
            "record": None if change == "DELETE" else record,
            "old_record": old if old is not None else record if change == "DELETE" else None,
        }
        return read(self.sequence, self.clock.now(), RawEvent.model_validate(event))

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the process sees it, second by second."""
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.hub.check_deadlines()
