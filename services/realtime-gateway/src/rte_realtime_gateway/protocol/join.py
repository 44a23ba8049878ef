"""Join requests: the payload of `phx_join`, read as leniently as the real server reads it."""

import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from rte_realtime_gateway.protocol import bindings
from rte_realtime_gateway.protocol.bindings import Requested
from rte_realtime_gateway.protocol.frames import MAX_INTEGER

JOIN_SECONDS = 8.0
"""Seconds that a join waits for changes to flow: clients give up after 10, unless their option `timeout` says else."""
MIN_JOIN_SECONDS, MAX_JOIN_SECONDS = 1.0, 20.0
MAX_REPLAY = 25
MAX_BINDINGS = 100
MAX_PRESENCE_KEY_BYTES = 128
"""Bytes of a presence key in JSON: a thousand keys and their metas go into one message."""
RESERVED_PRESENCE_KEYS = frozenset(
    {
        "ids",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
"""Presence keys that nobody may have, because realtime-js of the whole team would fail: it takes a payload with `ids`
at the top for a row change, and finds a presence under the names that every JavaScript object has."""


class BadJoin(ValueError):
    """Join that is refused; the text is the reason sent."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Kept broadcasts that a client wants: the newest `limit` after the Unix time `since`."""

    since: float
    limit: int


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Wishes of a client for a channel."""

    changes: Requested
    ack: bool
    """Whether each broadcast is replied to."""
    self_broadcast: bool
    """Whether the client is sent its own broadcasts too."""
    replay: ReplayRequest | None
    presence_key: str
    presence: bool
    """Whether the client is sent presence state and diffs."""
    private: bool
    patience: float
    """Seconds for which the reply may wait for changes to flow."""
    replication_ready: bool
    token: str | None


def read(payload: Any) -> JoinRequest:
    """Read a join's payload; raises BadJoin for what cannot be granted."""
    payload = _object(payload)
    config = _object(payload.get("config"))
    broadcast, presence = _object(config.get("broadcast")), _object(config.get("presence"))
    private = _flag(config.get("private"))
    return JoinRequest(
        changes=_changes(config.get("postgres_changes")),
        ack=_flag(broadcast.get("ack")),
        self_broadcast=_flag(broadcast.get("self")),
        replay=_replay(broadcast.get("replay"), private=private),
        presence_key=_presence_key(presence.get("key")),
        # Clients before 2.12 send no `enabled` and expect presence all the same.
        presence=_flag(presence.get("enabled"), default=True),
        private=private,
        patience=_patience(_object(config.get("postgres_changes_options"))),
        replication_ready=_flag(broadcast.get("replication_ready")),
        token=token_of(payload),
    )


def token_of(payload: Any) -> str | None:
    """The access token in a payload; older clients call it `user_token`."""
    said = _object(payload)
    token = said.get("access_token") or said.get("user_token")
    return token if isinstance(token, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flag(value: Any, *, default: bool = False) -> bool:
    """Booleans may arrive as text."""
    if isinstance(value, str):
        return value.lower() == "true"
    return value if isinstance(value, bool) else default


def _replay(value: Any, *, private: bool) -> ReplayRequest | None:
    if value is None:
        return None
    if not private:
        raise BadJoin("UnableToReplayMessages: Replay is only possible in private channels")
    since, limit = _object(value).get("since"), _object(value).get("limit")
    since, limit = _whole(since), _whole(MAX_REPLAY if limit is None else limit)
    if since is None or limit is None:
        raise BadJoin("UnableToReplayMessages: since is a number of milliseconds, limit one of messages")
    return ReplayRequest(since / 1000, max(1, min(limit, MAX_REPLAY)))


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER else None


def _patience(options: dict[str, Any]) -> float:
    """Every join waits as if its option `wait` were set; `timeout`, in milliseconds, says for how long."""
    timeout = options.get("timeout")
    if not _flag(options.get("wait")) or isinstance(timeout, bool) or not isinstance(timeout, int | float):
        return JOIN_SECONDS
    return min(max(timeout / 1000, MIN_JOIN_SECONDS), MAX_JOIN_SECONDS)


def _presence_key(value: Any) -> str:
    if isinstance(value, bool | int | float):
        value = orjson.dumps(value).decode()  # as the real server names them in messages
    if isinstance(value, str) and value in RESERVED_PRESENCE_KEYS:
        raise BadJoin(f"InvalidPresenceKey: the presence key {value!r} is reserved")
    if not isinstance(value, str) or not value:
        return str(uuid.uuid4())
    if len(orjson.dumps(value)) - len('""') > MAX_PRESENCE_KEY_BYTES:
        raise BadJoin(f"InvalidPresenceKey: at most {MAX_PRESENCE_KEY_BYTES} bytes")
    return value


def _changes(entries: Any) -> Requested:
    if not isinstance(entries, list):
        return bindings.read([])
    entries = [entry for entry in entries if entry is not None]
    if len(entries) > MAX_BINDINGS:
        raise BadJoin(f"TooManyBindings: at most {MAX_BINDINGS} postgres_changes for one channel")
    if not all(isinstance(entry, dict) for entry in entries):
        raise BadJoin("InvalidBinding: each of postgres_changes is an object")
    return bindings.read(entries)
