"""Thousands of bare websocket clients in one process, for benchmarks: they join, count and measure, and come back.

argv[1]: JSON {port, sockets, tokens (file, one per line), sessions (bool), sample}. It says `joined` once all have
joined, and on the command {do: "until", number, seconds} a `report`, each a line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any, cast

import uvloop

TOPIC = b"realtime:expectations:active"
MARK = b"bench:"
"""Stands before number and publishing time in the title of each change."""
RECONNECT_SECONDS = 1.0
"""What realtime-js waits before its first try."""
CONNECTING_AT_ONCE = 200


class Tally:
    """What all clients together saw."""

    def __init__(self) -> None:
        self.joined = 0
        self.changes = 0
        self.delays: list[float] = []
        self.lost = 0
        self.repeated = 0
        self.frame_bytes = 0
        self.all_joined = asyncio.Event()


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; the mask is zero, so the payload stays readable."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """One client: handshake, join, then counting."""

    def __init__(self, number: int, wish: dict[str, Any], token: str, tally: Tally, slots: asyncio.Semaphore) -> None:
        self.number = number
        self.wish = wish
        self.token = token
        self.tally = tally
        self.slots = slots
        self.seen = 0
        self._sampled = number % int(wish["sample"]) == 0
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
        if self._sampled:
            now = time.time()
            tally.delays.append(now - float(data[number_end + 1 : data.index(b'"', number_end)]))
            tally.frame_bytes = end - first

    def _control(self, frame: bytes) -> None:
        if data_is_reply(frame) and not self._joined:
            if b'"status":"ok"' not in frame:
                print(json.dumps({"refused": frame.decode()}), flush=True)
                self.transport.close()
                return
            self._joined = True
            self._ready.set_result(None)
            self.tally.joined += 1
            if self.tally.joined == self.wish["sockets"]:
                self.tally.all_joined.set()

    def heartbeat(self) -> None:
        """What clients do every 25 s."""
        if self._joined:
            self.transport.write(masked(1, b'[null,"2","phoenix","heartbeat",{}]'))

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back."""
        if self._joined:
            self.tally.joined -= 1
            self.tally.all_joined.clear()
            asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._return)
        elif not self._ready.done():
            self._ready.set_exception(ConnectionResetError())
        self._joined = False

    def _return(self) -> None:
        task = asyncio.get_running_loop().create_task(self.connect())
        RETURNING.add(task)
        task.add_done_callback(RETURNING.discard)


RETURNING: set[asyncio.Task[None]] = set()


def data_is_reply(frame: bytes) -> bool:
    """Whether it answers the join."""
    return b'"phx_reply"' in frame and TOPIC in frame


def say(**fields: Any) -> None:
    """Write one line."""
    print(json.dumps(fields), flush=True)


async def heartbeats(clients: list[Client]) -> None:
    """A heartbeat of each client every 25 s, spread evenly."""
    while True:
        for client in clients:
            client.heartbeat()
            await asyncio.sleep(25 / len(clients))


async def main() -> None:
    """Connect all, then do what stdin says."""
    wish = json.loads(sys.argv[1])
    with open(wish["tokens"]) as file:  # noqa: ASYNC230 before anything is measured
        tokens = file.read().split()
    tally, slots = Tally(), asyncio.Semaphore(CONNECTING_AT_ONCE)
    clients = [Client(n, wish, tokens[n % len(tokens)], tally, slots) for n in range(wish["sockets"])]
    started = time.time()
    await asyncio.gather(*(client.connect() for client in clients))
    say(kind="joined", seconds=time.time() - started)
    beating = asyncio.create_task(heartbeats(clients))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "until":
            # Everybody has seen this change, or the time is over.
            deadline = time.time() + command["seconds"]
            while min(client.seen for client in clients) < command["number"] and time.time() < deadline:
                await asyncio.sleep(0.05)
            behind = sum(command["number"] - client.seen for client in clients)
            times = os.times()
            say(
                kind="report",
                changes=tally.changes,
                behind=behind,
                lost=tally.lost,
                repeated=tally.repeated,
                joined=tally.joined,
                at=time.time(),
                delays=sorted(tally.delays),
                frame_bytes=tally.frame_bytes,
                cpu=times.user + times.system,
            )
            tally.delays.clear()
            tally.changes = 0
        elif command["do"] == "exit":
            break
    beating.cancel()
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main())
