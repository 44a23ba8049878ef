"""The websocket: bytes between uvicorn's listener and a session, without ASGI in between.

uvicorn makes one `GatewaySocket` for each upgrade and hands over the transport (uvicorn's
protocols/http/httptools_impl.py, `handle_websocket_upgrade`). `websockets` does handshake, parsing, ping and close;
data frames are written as they are, made once for many sockets.
"""

import asyncio
import logging
import os
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs

import uvicorn
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol, Side, State

from rte_realtime_gateway import metrics
from rte_realtime_gateway.access.limits import RateLimit
from rte_realtime_gateway.clients.session import Session
from rte_realtime_gateway.ports import Write
from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.protocol.messages import CloseCode
from rte_realtime_gateway.server.compression import deflated, window_bits
from rte_realtime_gateway.server.state import State as AppState

log = logging.getLogger("websockets.server")

PATHS = frozenset({"/realtime/v1/websocket", "/socket/websocket"})
"""Paths to which clients connect: through supabase-js' address, and as realtime-js appends to a bare server's."""
HANDSHAKE_HEADERS = frozenset(
    {
        "connection",
        "upgrade",
        "host",
        "origin",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "x-api-key",
    }
)
"""Headers that are looked at; browsers send three times as many, which costs time when thousands come back at once."""
CLIENT_ID = "session"
"""The query parameter by which a client is recognised after a reconnect; clients pass it in their option `params`."""
MIN_CLIENT_ID, MAX_CLIENT_ID = 8, 128
"""Characters of a client id: a shorter one is perhaps not one client's only."""
PONG = b"\x8a"
PONG_START = PONG + b"\x84"
PONG_SIZE = 10
"""Bytes of a masked pong that repeats the four of our pings."""
SLICE_BYTES = 1 << 12
"""Bytes taken from a client at a time: an event loop reads 64 times as much, in which there may be 40,000 frames."""
MAX_STRANGERS_BYTES = 1 << 16
"""Bytes of a message, also after inflating, before a channel is open: as many as of a join."""
STRANGERS_SLICE_BYTES = 1 << 8
"""Bytes taken at a time until then: some compressed frames of a hundred bytes each are work for milliseconds."""
SOCKET_PIECE_RATE = 200.0, 2_000.0
"""Pings, pongs and pieces of messages, a second and after a rest. Clients that know no limit send one every 20 s."""
CLOSED = -1
"""Number that no file has."""
CLOSE_SECONDS = 5.0
"""Seconds that a client may take to answer a close, or to read what was written before it."""
MAX_PAUSE_SECONDS = 10.0
"""Seconds for which nothing is read, at most: heartbeats must be heard within IDLE_SECONDS."""


class GatewaySocket(asyncio.Protocol):
    """One websocket, from the upgrade request to the end of the connection."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: AppState) -> None:
        self._state = app_state
        self._server = server_state
        self._max_message_bytes = app_state["settings"].max_message_bytes
        max_size = min(self._max_message_bytes, MAX_STRANGERS_BYTES)
        self._websocket = Protocol(Side.SERVER, max_size=max_size, logger=log)
        self._slice_bytes = STRANGERS_SLICE_BYTES
        self._max_queue_bytes = app_state["settings"].max_queue_bytes
        self._window_bits: int | None = None
        """Window of the compression that was agreed upon, if any."""
        self._unparsed = 0
        """Bytes of a frame that has not come completely."""
        self._session: Session | None = None
        self._backlog = bytearray()
        """Bytes that were read from the client and wait for their turn."""
        self._pieces = RateLimit(*SOCKET_PIECE_RATE)
        self._message = bytearray()
        self._is_text = True
        self._dropping = False
        """Whether something could not be written: nothing that comes after it is written either."""
        self._handing_over = False
        """Whether the connection must not end yet, because the peers do not know where the client is."""
        self._read_at = 0.0
        """Time by the loop's clock at which to read from the client again."""
        self._reading_again: asyncio.TimerHandle | None = None
        self._abort: asyncio.TimerHandle | None = None

    @property
    def _between_frames(self) -> bool:
        """Whether what comes now is the beginning of a frame. Nobody knows how long a deflated one was on its way."""
        return self._unparsed == 0 and not self._backlog and not self._websocket.extensions

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport."""
        self._transport = cast(asyncio.Transport, transport)
        # Whatever the transport has to keep begins to lag: until then nothing waits that a write could overtake.
        self._transport.set_write_buffer_limits(high=0)
        self._file = transport.get_extra_info("socket").fileno()
        self.write: Write = self._write_at_once
        # uvicorn waits for its connections to end, and calls `shutdown` on each of them.
        self._server.connections.add(cast(Any, self))

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        session = self._session
        if session is None:
            self._upgrade(data)
        elif len(data) == PONG_SIZE and data.startswith(PONG_START) and self._between_frames:
            # Answers to our pings are most of what comes: parsing them like any frame takes ten times as long.
            session.heard()
            session.answered(_unmasked(data[2:6], data[6:]))
        else:
            self._backlog += data
            self._take_backlog(session)

    def _take_backlog(self, session: Session) -> None:
        """Take what has come, a slice after the other, until the client is slowed down."""
        while self._backlog and self._reading_again is None:
            data = bytes(self._backlog[: self._slice_bytes])
            del self._backlog[: self._slice_bytes]
            self._unparsed += len(data)
            self._websocket.receive_data(data)
            for event in self._websocket.events_received():
                if isinstance(event, Frame):
                    self._unparsed -= _size_on_wire(event)
                    self._frame(event, session)
            self._send()

    def eof_received(self) -> None:
        """The client ended its side: the connection closes, because nothing else is returned."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._file = CLOSED  # the number may soon be another client's
        self._backlog.clear()
        self._server.connections.discard(cast(Any, self))
        for timer in (self._reading_again, self._abort):
            if timer is not None:
                timer.cancel()
        if self._session is not None:
            self._session.ended()

    def shutdown(self) -> None:
        """uvicorn stops: tell the client to come back."""
        if self._session is None:
            self._transport.close()
        else:
            self._session.send_away()

    # The handshake

    def _upgrade(self, data: bytes) -> None:
        """Answer the request, which uvicorn has parsed and hands over in one piece."""
        request = _request(data)
        # No urlsplit: it takes the path `//[x` for an address with a bad host, and raises.
        path, _, parameters = request.path.partition("?")
        query = parse_qs(parameters)
        rules = self._state["handshake"]
        handshake = rules.protocol
        if path not in PATHS:
            response = handshake.reject(HTTPStatus.NOT_FOUND, "Connect to /realtime/v1/websocket\n")
        elif not data.startswith(b"GET "):  # `websockets` leaves that to who reads the request, and uvicorn to us
            response = handshake.reject(HTTPStatus.METHOD_NOT_ALLOWED, "Connect with GET\n")
        elif (version := _version(query)) is None:
            response = handshake.reject(HTTPStatus.FORBIDDEN, "vsn is 1.0.0 or 2.0.0, or a patch of them\n")
        else:
            response = rules.accept(request)
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self._transport.write(response.serialize())
                self._agree(handshake.extensions)
                self._session = self._begin(version, request, query)
                return
            if response.status_code == HTTPStatus.FORBIDDEN:
                rules.log_refused_origin(request)
        self._transport.write(response.serialize())
        self._transport.close()

    def _agree(self, extensions: list[Extension]) -> None:
        """Take the extensions of the handshake that was just accepted."""
        self._websocket.extensions = extensions
        self._window_bits = window_bits(extensions)
        self._set_writing(self._write_at_once)

    def _begin(self, version: Version, request: Request, query: dict[str, list[str]]) -> Session:
        key, *_ = [*request.headers.get_all("x-api-key"), *query.get("apikey", []), None]
        client_id = query.get(CLIENT_ID, [""])[0]
        if not MIN_CLIENT_ID <= len(client_id) <= MAX_CLIENT_ID:
            client_id = ""  # none, or too short to be one client's only
        hub, gate = self._state["hub"], self._state["gate"]
        return Session(hub, gate, self, version, api_key=key, client_id=client_id or None)

    # Messages

    def _frame(self, frame: Frame, session: Session) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._message = bytearray(frame.data)
                self._is_text = frame.opcode is Opcode.TEXT
            case Opcode.CONT:
                self._count_piece()
                self._message += frame.data
            case Opcode.CLOSE:
                if self._answers_our_close() and not self._dropping:
                    self._handing_over = True
                    session.close_answered(self._handed_over)
                return
            case _:
                self._control(frame, session)
                return
        # What came before the client's close counts, also when both came in one piece.
        if frame.fin and session.is_open:
            message, self._message = self._message, bytearray()
            self._receive(session, message)

    def _control(self, frame: Frame, session: Session) -> None:
        self._count_piece()
        session.heard()
        if frame.opcode is Opcode.PONG:
            session.answered(bytes(frame.data))
        elif self.queued_bytes > self._max_queue_bytes:
            self._overflow(session)  # `websockets` answers pings, and it reads none of the answers

    def _count_piece(self) -> None:
        """Messages are counted by the session; what is less than one costs as much to take."""
        if wait := self._pieces.overdraw(asyncio.get_running_loop().time()):
            self.slow_down(wait)

    def _answers_our_close(self) -> bool:
        """Whether the client's close is an answer: one of its own, on its way while we sent ours, proves nothing."""
        ours, theirs = self._websocket.close_sent, self._websocket.close_rcvd
        return (
            self._websocket.close_rcvd_then_sent is False
            and ours is not None
            and theirs is not None
            and theirs.code == ours.code
        )

    def _receive(self, session: Session, data: bytearray) -> None:
        if not self._is_text:
            session.receive(bytes(data))
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            session.close(*CloseCode.BAD_TEXT)
        else:
            session.receive(text)

    # Slow clients, fast clients

    def _write_at_once(self, data: bytes) -> None:
        """Write what the client can take, and leave the rest to the transport.

        The transport's own `write` does the same, but its books are a tenth of the cost of a delivery
        (tests/bench/fanout.py).
        """
        try:
            written = os.write(self._file, data)
        except OSError:  # the client takes nothing now, or is gone: the transport knows what to do
            written = 0
        if written < len(data):
            self._transport.write(data[written:])

    def pause_writing(self) -> None:
        """The client takes less than it is sent: count what waits."""
        self._set_writing(self._write_to_laggard)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        if not self._dropping:
            self._set_writing(self._write_at_once)

    def _set_writing(self, write: Write) -> None:
        bits = self._window_bits
        self.write = write if bits is None else lambda data: write(deflated(data, bits))
        if self._session is not None:
            self._session.rewire(lagging=write != self._write_at_once)

    def _write_to_laggard(self, data: bytes) -> None:
        if self._dropping or self._websocket.state is not State.OPEN or self._session is None:
            return
        if self.queued_bytes + len(data) <= self._max_queue_bytes:
            self._transport.write(data)
        else:
            self._overflow(self._session)

    def _overflow(self, session: Session) -> None:
        if not self._dropping:
            self._dropping = True
            # Soon, not now: whoever writes may be in the middle of opening or ending a channel.
            asyncio.get_running_loop().call_soon(session.overflow)

    @property
    def queued_bytes(self) -> int:
        """Bytes that the client was sent and has not taken yet."""
        return self._transport.get_write_buffer_size()

    def slow_down(self, seconds: float) -> None:
        """Take nothing from the client for so long: it is TCP that tells it. Asked again, the latest end counts."""
        now = asyncio.get_running_loop().time()
        self._read_at = min(max(self._read_at, now + seconds), now + MAX_PAUSE_SECONDS)
        if self._reading_again is None:
            metrics.SLOWED.inc()
            self._transport.pause_reading()
            self._read_again()

    def take_long_messages(self) -> None:
        """Take messages of any allowed length: it is known whose they are."""
        self._websocket.max_size = self._max_message_bytes
        self._slice_bytes = SLICE_BYTES

    def _read_again(self) -> None:
        """Read from the client if it is time, else look again when it is: one timer, however often it was moved."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._read_at:
            self._reading_again = loop.call_at(self._read_at, self._read_again)
        else:
            self._reading_again = None
            if not self._transport.is_closing() and self._session is not None:
                self._transport.resume_reading()
                self._take_backlog(self._session)

    # The end

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; the connection ends when the client answers, or after CLOSE_SECONDS."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_close(code, reason)
            self._send()

    def _handed_over(self) -> None:
        """End the connection: clients take that for the close, and Python's is elsewhere a moment later."""
        self._handing_over = False
        self._transport.close()

    def _send(self) -> None:
        """Write what `websockets` has to say: handshake, pongs, closes."""
        for data in self._websocket.data_to_send():
            if data:
                if not (self._dropping and data.startswith(PONG)):
                    self._transport.write(data)
            elif not self._handing_over:
                self._transport.close()
        if self._websocket.close_expected():
            if self._abort is None:
                self._abort = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)
            if self._session is not None:
                self._session.ended()


def _version(query: dict[str, list[str]]) -> Version | None:
    return Version.named(query.get("vsn", [Version.V1.value])[0])


def _request(data: bytes) -> Request:
    """The upgrade request, written by uvicorn from what it has parsed: a line, then headers in small letters."""
    lines = data.decode("latin-1").split("\r\n")
    headers = Headers()
    for line in lines[1:-2]:
        name, _, value = line.partition(": ")
        if name in HANDSHAKE_HEADERS:
            headers[name] = value
    return Request(lines[0].split(" ")[1], headers)


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    return bytes(byte ^ key for byte, key in zip(payload, mask, strict=True))


def _size_on_wire(frame: Frame) -> int:
    """Bytes that the frame took, masked as a client's are."""
    size = len(frame.data)
    return size + (6 if size < 126 else 8 if size < 1 << 16 else 14)
