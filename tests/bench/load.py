"""Thousands of bare websocket clients in one process, for benchmarks: they join, count and measure, and come back.

argv[1]: JSON {port, first, tokens (file, one per line), sessions, lazy}. Commands on stdin, answers on stdout, each a
line of JSON: {do: "connect", sockets} connects that many in all, {do: "until", number, seconds} reports.

A lazy process reads each socket once a second, as many machines together could: read at once, ten thousand sockets
would take the whole processor from the gateway and measure this program. Delays are measured by one that is not lazy.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import uvloop

TOPIC = b"realtime:expectations:active"
MARK = b"bench:"
"""Stands before number and publishing time in the title of each change."""
RECONNECT_SECONDS = 1.0
"""What realtime-js waits before its first try."""
CONNECTING_AT_ONCE = 200
HEARTBEAT_SECONDS = 25.0
LAZY_SECONDS = 1.0
STEP_SECONDS = 0.02


class Tally:
    """What all clients together saw."""

    def __init__(self) -> None:
        self.joined = 0
        self.changes = 0
        self.delays: list[float] = []
        self.lost = 0
        self.repeated = 0
        self.frame_bytes = 0


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; the mask is zero, so the payload stays readable."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """One client: handshake, join, then counting."""

    def __init__(self, number: int, wish: dict[str, Any], token: str, tally: Tally, slots: asyncio.Semaphore) -> None:
        self.number = number + wish["first"]
        self.wish = wish
        self.token = token
        self.tally = tally
        self.slots = slots
        self.seen = 0
        self._lazy = bool(wish["lazy"])
        self._joined = False
        self._rest = b""
        self._upgraded = False

    async def connect(self) -> None:
        """Connect and join, however often it takes."""
        loop = asyncio.get_running_loop()
        while True:
            async with self.slots:
                self._reset()
                try:
                    await loop.create_connection(lambda: self, "127.0.0.1", self.wish["port"])
                    await self._ready
                except OSError:
                    pass
                else:
                    return
            await asyncio.sleep(RECONNECT_SECONDS)

    def _reset(self) -> None:
        self._rest, self._upgraded, self._joined = b"", False, False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast(asyncio.Transport, transport)
        session = f"&session=client-{self.number:06}" if self.wish["sessions"] else ""
        self.transport.write(
            f"GET /realtime/v1/websocket?apikey=bench&vsn=2.0.0{session} HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Count frames."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        start = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self._upgraded, start = True, end + 4
            self._join()
        size = len(data)
        while size - start >= 2:
            length, head = data[start + 1], 2
            if length == 126:
                if size - start < 4:
                    break
                length, head = int.from_bytes(data[start + 2 : start + 4], "big"), 4
            end = start + head + length
            if end > size:
                break
            self._frame(data, start, start + head, end)
            start = end
        self._rest = data[start:]
        if self._lazy and self._joined:
            self.transport.pause_reading()

    def read(self) -> None:
        """Read what has come meanwhile."""
        if self._joined and not self.transport.is_closing():
            self.transport.resume_reading()

    def _join(self) -> None:
        binding = {"event": "*", "schema": "public", "table": "expectations"}
        payload = {
            "config": {"postgres_changes": [binding], "presence": {"enabled": False}},
            "access_token": self.token,
        }
        message = ["1", "1", TOPIC.decode(), "phx_join", payload]
        self.transport.write(masked(1, json.dumps(message).encode()))

    def _frame(self, data: bytes, first: int, start: int, end: int) -> None:
        if data[first] == 0x89:
            self.transport.write(masked(0xA, data[start:end]))
            return
        if data[first] == 0x88:
            self.transport.write(masked(8, data[start:end]))
            return
        mark = data.find(MARK, start, end)
        if mark < 0:
            self._control(data[start:end])
            return
        tally = self.tally
        tally.changes += 1
        number_end = data.index(b":", mark + len(MARK))
        number = int(data[mark + len(MARK) : number_end])
        if number != self.seen + 1:
            if number <= self.seen:
                tally.repeated += 1
                return
            tally.lost += number - self.seen - 1
        self.seen = number
        tally.frame_bytes = end - first
        if not self._lazy:
            tally.delays.append(time.time() - float(data[number_end + 1 : data.index(b'"', number_end)]))

    def _control(self, frame: bytes) -> None:
        if data_is_reply(frame) and not self._joined:
            if b'"status":"ok"' not in frame:
                print(json.dumps({"refused": frame.decode()}), flush=True)
                self.transport.close()
                return
            self._joined = True
            self._ready.set_result(None)
            self.tally.joined += 1

    def heartbeat(self) -> None:
        """What clients do every 25 s."""
        if self._joined:
            self.transport.write(masked(1, b'[null,"2","phoenix","heartbeat",{}]'))

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back."""
        if self._joined:
            self.tally.joined -= 1
            asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._return)
        elif not self._ready.done():
            self._ready.set_exception(ConnectionResetError())
        self._joined = False

    def _return(self) -> None:
        task = asyncio.get_running_loop().create_task(self.connect())
        RETURNING.add(task)
        task.add_done_callback(RETURNING.discard)


Reader = TypeVar("Reader")
RETURNING: set[asyncio.Task[None]] = set()


def data_is_reply(frame: bytes) -> bool:
    """Whether it answers the join."""
    return b'"phx_reply"' in frame and TOPIC in frame


def say(**fields: Any) -> None:
    """Write one line."""
    print(json.dumps(fields), flush=True)


async def by_turns(clients: list[Reader], act: Callable[[Reader], None], seconds: float) -> None:
    """Do it with each once in so many seconds, spread evenly."""
    steps = max(1, int(seconds / STEP_SECONDS))
    step = 0
    while True:
        for client in clients[step % steps :: steps]:
            act(client)
        step += 1
        await asyncio.sleep(STEP_SECONDS)


async def report(clients: list[Client], tally: Tally, number: int, seconds: float) -> None:
    """Wait until everybody has seen this change, or the time is over, and tell what was seen."""
    deadline = time.time() + seconds
    while min(client.seen for client in clients) < number and time.time() < deadline:
        await asyncio.sleep(0.05)
    say(
        changes=tally.changes,
        behind=sum(number - client.seen for client in clients),
        lost=tally.lost,
        repeated=tally.repeated,
        joined=tally.joined,
        at=time.time(),
        frame_bytes=tally.frame_bytes,
        delays=tally.delays,
    )
    tally.delays = []
    tally.changes = 0


async def main() -> None:
    """Do what stdin says."""
    wish = json.loads(sys.argv[1])
    with open(wish["tokens"]) as file:  # noqa: ASYNC230 before anything is measured
        tokens = file.read().split()
    tally, slots = Tally(), asyncio.Semaphore(CONNECTING_AT_ONCE)
    clients: list[Client] = []
    turns = [asyncio.create_task(by_turns(clients, Client.heartbeat, HEARTBEAT_SECONDS))]
    if wish["lazy"]:
        turns.append(asyncio.create_task(by_turns(clients, Client.read, LAZY_SECONDS)))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "connect":
            numbers = range(len(clients), command["sockets"])
            new = [Client(n, wish, tokens[(n + wish["first"]) % len(tokens)], tally, slots) for n in numbers]
            await asyncio.gather(*(client.connect() for client in new))
            clients += new
            say(joined=tally.joined)
        else:
            await report(clients, tally, command["number"], command["seconds"])


if __name__ == "__main__":
    uvloop.run(main())
