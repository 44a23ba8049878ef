"""Messages of the server, as JSON payloads: replies, `system` messages; and the codes with which it closes a socket."""

from typing import Any, Final

import orjson

PREFIX: Final = "realtime:"
"""Beginning of every channel's topic; names without it are what people see."""
EMPTY: Final = b"{}"
SUBSCRIBED: Final = "Subscribed to PostgreSQL"
"""Words of the real server once changes flow, which clients compare."""
REPLICATION_READY: Final = "Replication connection established"
DISCONNECT: Final = "Server requested disconnect"
"""Words of the real server before it closes a socket to restart."""
RESUMED: Final = "Resumed: every change since the connection was lost has been delivered"
LOAD_AGAIN: Final = "Load again: changes before this join are not delivered"
"""`system` messages that tell a client whether it missed anything. They never change: the Python client shows nothing
else of such a message, so applications compare the text."""


class CloseCode:
    """Code and reason of the ends of a websocket that the gateway chooses. Every client reconnects after each of them.

    `websockets` adds those of the protocol itself (1002, 1009).
    """

    BAD_FRAMES = 1003, "too many frames that cannot be understood"
    BAD_TEXT = 1007, "text that is not UTF-8"
    BROKEN = 1011, "an error of ours: connect again"
    RESTART = 1012, "the server restarts: connect again"
    SLOW = 4001, "the client reads too slowly: connect again"
    IDLE = 4002, "no heartbeat"
    NO_CHANNEL = 4003, "no channel joined"


def ok(response: Any = None) -> bytes:
    """Payload of a `phx_reply` that grants. The response is always an object."""
    return orjson.dumps({"status": "ok", "response": response or {}})


def error(reason: str) -> bytes:
    """Payload of a `phx_reply` that refuses; `reason` is `<Code>: <text>`.

    An object, never a bare string: realtime-js shows that as letters joined by commas, and Python refuses it.
    """
    return orjson.dumps({"status": "error", "response": {"reason": reason}})


def too_large() -> bytes:
    """Payload of a `phx_reply` to a broadcast that clients could not receive; `error` is Supabase's word for it."""
    reason = "PayloadTooLarge: clients take messages of less than 1 MiB"
    return orjson.dumps({"status": "error", "response": {"reason": reason, "error": "payload_size_exceeded"}})


def system(channel: str, status: str, message: str, extension: str) -> bytes:
    """Payload of a `system` message. Status `error` makes the Python client rejoin after a second."""
    return orjson.dumps({"channel": channel, "extension": extension, "status": status, "message": message})
