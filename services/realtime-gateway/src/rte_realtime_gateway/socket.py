"""The websocket: bytes between uvicorn's listener and a session, without ASGI in between.

uvicorn makes one `GatewaySocket` for each upgrade and hands over the transport (uvicorn's
protocols/http/httptools_impl.py, `handle_websocket_upgrade`). `websockets` does handshake, parsing, ping and close;
data frames are written as they are, made once for many sockets.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import structlog
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from rte_realtime_gateway.audience import Write
from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.session import Closing, Session
from rte_realtime_gateway.wiring import Wiring

log = structlog.get_logger(__name__)

PATHS = frozenset({"/realtime/v1/websocket", "/socket/websocket"})
"""Where clients connect: through supabase-js' address, and as realtime-js appends to a bare server's."""
CLOSE_SECONDS = 5.0
"""How long a client may take to answer a close, or to read what was written before it."""


class GatewaySocket(asyncio.Protocol):
    """One websocket, from the upgrade request to the end of the connection."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        self._wiring: Wiring = app_state["wiring"]
        self._server = server_state
        self._websocket = ServerProtocol(
            origins=self._wiring.origins, max_size=self._wiring.settings.max_message_bytes, logger=None
        )
        self._session: Session | None = None
        self._message: list[bytes] = []
        self._is_text = True

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self.write: Write = self._transport.write
        # uvicorn waits for its connections to end, and calls `shutdown` on each of them.
        self._server.connections.add(cast(Any, self))

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._upgrade(event)
            elif isinstance(event, Frame):
                self._frame(event)
        self._send()

    def eof_received(self) -> None:
        """The client ended its side: the connection closes."""
        self._websocket.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._server.connections.discard(cast(Any, self))
        if self._session is not None:
            self._session.ended()

    def shutdown(self) -> None:
        """uvicorn stops: tell the client to come back."""
        if self._session is None:
            self._transport.close()
        else:
            self._session.close(*Closing.RESTART)

    # The handshake

    def _upgrade(self, request: Request) -> None:
        address = urlsplit(request.path)
        query = parse_qs(address.query)
        if address.path not in PATHS:
            response = self._websocket.reject(HTTPStatus.NOT_FOUND, "Connect to /realtime/v1/websocket\n")
        elif (version := _version(query)) is None:
            response = self._websocket.reject(HTTPStatus.FORBIDDEN, "vsn is 1.0.0 or 2.0.0\n")
        else:
            response = self._websocket.accept(request)
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                key = request.headers.get("x-api-key") or query.get("apikey", [None])[0]
                self._session = Session(self._wiring.hub, self._wiring.gate, self, version, key)
        self._websocket.send_response(response)

    # Messages

    def _frame(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._message = [bytes(frame.data)]
                self._is_text = frame.opcode is Opcode.TEXT
            case Opcode.CONT:
                self._message.append(bytes(frame.data))
            case _:
                return  # pings are answered by `websockets`
        if frame.fin and self._session is not None and self._websocket.state is State.OPEN:
            data = b"".join(self._message)
            self._message = []
            self._receive(self._session, data)

    def _receive(self, session: Session, data: bytes) -> None:
        if not self._is_text:
            session.receive(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            session.close(*Closing.BAD_TEXT)
        else:
            session.receive(text)

    # The end

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; the connection ends when the client answers, or after CLOSE_SECONDS."""
        if self._websocket.state is State.OPEN:
            self._websocket.send_close(code, reason)
            self._send()

    def _send(self) -> None:
        """Write what `websockets` has to say: handshake, pongs, closes."""
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
        if self._websocket.close_expected():
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)
            if self._session is not None:
                self._session.ended()


def _version(query: dict[str, list[str]]) -> Version | None:
    try:
        return Version(query.get("vsn", [Version.V1.value])[0])
    except ValueError:
        return None
