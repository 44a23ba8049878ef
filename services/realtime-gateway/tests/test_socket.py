"""The socket on a real connection: who sends too much, who reads too little, and whose close counts."""

import asyncio
import gc
import itertools
import json
import os
import socket
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import OP_CLOSE, OP_CONT, OP_PING, OP_PONG, OP_TEXT, Close, Frame

from rte_realtime_gateway.clients.session import Session
from rte_realtime_gateway.protocol.messages import RESUMED, CloseCode
from rte_realtime_gateway.server.handshake import Handshake
from rte_realtime_gateway.server.socket import GatewaySocket
from rte_realtime_gateway.server.state import State
from rte_realtime_gateway.settings import Settings
from rte_testkit.gateway_world import TOPIC, Client, World, frames

SESSION = "5f0c2f7e-tab"
MAX_QUEUE = 1 << 20
UPGRADE = (
    f"GET /realtime/v1/websocket?vsn=2.0.0&session={SESSION} HTTP/1.1\r\n"
    "connection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
).encode()


@dataclass
class Peer:
    """A client that reads only when it is told to, and the server's end of its connection."""

    world: World
    socket: GatewaySocket
    session: Session
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *messages: list[Any]) -> None:
        """Send messages in one piece."""
        self.writer.write(b"".join(Frame(OP_TEXT, json.dumps(one).encode()).serialize(mask=True) for one in messages))

    def send_close(self, code: int) -> None:
        self.writer.write(Frame(OP_CLOSE, Close(code, "").serialize()).serialize(mask=True))

    async def hear(self) -> list[Any]:
        """Read one frame, or several if they came together; messages only."""
        async with asyncio.timeout(10):
            header = await self.reader.readexactly(2)
            extended = {126: 2, 127: 8}.get(header[1], 0)
            size = await self.reader.readexactly(extended)
            payload = await self.reader.readexactly(int.from_bytes(size, "big") if extended else header[1])
        return [json.loads(data) if first == 0x81 else None for first, data in frames(header + size + payload)]

    async def read_to_the_close(self) -> int:
        """Read all that was written; returns the code of the server's close."""
        data = b""
        async with asyncio.timeout(10):
            while True:
                data += await self.reader.read(1 << 20)
                whole = list(frames(data)) if _ends_with_close(data) else []
                if whole:
                    return int.from_bytes(whole[-1][1][:2], "big")

    async def ended(self) -> None:
        """Wait until the server has ended the connection."""
        async with asyncio.timeout(10):
            assert await self.reader.read() == b""

    def fill_the_queue(self) -> None:
        """Have so much written that hardly anything more may wait."""
        while not self.session.lagging:
            self.session.writer.push("phoenix", "x", b'"' + b"x" * 60_000 + b'"')
        for size in (60_000, 100):
            while self.socket.queued_bytes + size + 50 <= MAX_QUEUE:
                self.session.writer.push("phoenix", "x", b'"' + b"x" * size + b'"')


def _ends_with_close(data: bytes) -> bool:
    at = data.rfind(b"\x88")
    return at >= 0 and len(data) == at + 2 + data[at + 1]


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[Peer]:
    """A websocket between this process and itself."""
    made: list[GatewaySocket] = []
    settings = Settings.model_construct(
        max_message_bytes=1_000_000,
        max_queue_bytes=MAX_QUEUE,
        allowed_origins=("*",),
        clerk_authorized_parties=(),
        compression=False,
    )
    state = State(
        settings=settings,
        hub=world.hub,
        gate=world.tokens,
        handshake=Handshake(settings),
        verifier=cast(Any, None),
    )

    def accept() -> GatewaySocket:
        made.append(GatewaySocket(cast(uvicorn.Config, None), ServerState(), state))
        return made[-1]

    before = set(world.hub.clients)
    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(UPGRADE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        transport = made[0]._transport
        try:
            yield Peer(world, made.pop(), cast(Session, (world.hub.clients - before).pop()), reader, writer)
        finally:
            transport.abort()
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def joined(world: World, peer: Peer) -> None:
    """Join, and answer the ping that asks what has arrived."""
    peer.send(join_message(world))
    while (await peer.hear()) != [None]:
        pass
    peer.session.answered(b"\0\0\0\1")


def join_message(world: World) -> list[Any]:
    changes = [{"event": "*", "schema": "public", "table": "expectations"}]
    return [
        "1",
        "1",
        TOPIC,
        "phx_join",
        {"config": {"postgres_changes": changes}, "access_token": world.tokens.token()},
    ]


def returned(world: World) -> tuple[list[str], str]:
    """The changes that the same client gets on its next connection, and what it is told about them."""
    client = world.client(session=SESSION)
    client.join(token=world.tokens.token())
    heard = client.heard()
    told = [said.payload["message"] for said in heard if said.event == "system"][-1]
    return [said.payload["data"]["record"]["title"] for said in heard if said.event == "postgres_changes"], told


def present(client: Client) -> list[str]:
    """The presence keys that a join tells."""
    return [key for said in client.heard() if said.event == "presence_state" for key in said.payload]


async def test_who_sends_too_much_is_read_again_only_when_the_longest_wait_is_over() -> None:
    loop = asyncio.get_running_loop()
    async with connected(World()) as peer:
        began = loop.time()
        for seconds in (0.01, 0.3, 0.01):
            peer.socket.slow_down(seconds)
        peer.send([None, "1", "phoenix", "heartbeat", {}])
        await peer.hear()
        assert loop.time() - began >= 0.3
        peer.send([None, "2", "phoenix", "heartbeat", {}])
        await peer.hear()


async def test_a_flood_in_one_piece_is_answered_completely_and_in_order() -> None:
    async with connected(World()) as peer:
        peer.send(*([None, str(number), "phoenix", "heartbeat", {}] for number in range(600)))
        assert [(await peer.hear())[0][1] for _ in range(600)] == [str(number) for number in range(600)]


async def test_who_pings_and_reads_no_answers_is_cut() -> None:
    async with connected(World()) as peer:
        peer.fill_the_queue()
        peer.writer.write(Frame(OP_PING, b"x" * 125).serialize(mask=True) * 100)
        assert await peer.read_to_the_close() == CloseCode.SLOW[0]


SMALL = {
    "pings": Frame(OP_PING, b"").serialize(mask=True),
    "pongs": Frame(OP_PONG, b"").serialize(mask=True),
    "pieces of a message": Frame(OP_CONT, b"", fin=False).serialize(mask=True),
}


@pytest.mark.parametrize("piece", SMALL.values(), ids=SMALL)
async def test_a_flood_of_what_is_no_message_is_slowed_down_and_holds_up_nobody(piece: bytes) -> None:
    world = World()
    async with connected(world) as peer, connected(world) as other:
        peer.writer.write(Frame(OP_TEXT, b"[", fin=False).serialize(mask=True) + piece * 100_000)
        for number in range(20):
            other.send([None, str(number), "phoenix", "heartbeat", {}])
            assert (await other.hear())[0][1] == str(number)
        while peer.socket._reading_again is None:
            await asyncio.sleep(0)
        assert peer.session.is_open
        assert len(peer.socket._backlog) < 1 << 20


async def test_a_message_in_many_pieces_takes_no_more_than_its_bytes() -> None:
    async with connected(World()) as peer:
        peer.writer.write(Frame(OP_TEXT, b'[null,"1",', fin=False).serialize(mask=True))
        peer.writer.write(Frame(OP_CONT, b"", fin=False).serialize(mask=True) * 1_000)
        peer.writer.write(Frame(OP_CONT, b" ", fin=False).serialize(mask=True) * 900)
        peer.writer.write(Frame(OP_CONT, b'"phoenix","heartbeat",', fin=False).serialize(mask=True))
        peer.writer.write(Frame(OP_PING, b"still").serialize(mask=True))
        assert await peer.hear() == [None]
        assert sys.getsizeof(peer.socket._message) < 2_000
        peer.writer.write(Frame(OP_CONT, b"{}]").serialize(mask=True))
        assert (await peer.hear())[0][1] == "1"


async def test_nothing_is_left_of_a_slowed_down_socket_that_is_lost() -> None:
    async with connected(World()) as peer:
        for _ in range(1_000):
            peer.socket.slow_down(10)
        gone = weakref.ref(peer.socket)
        peer.socket._transport.abort()
        await peer.ended()
        peer.socket = peer.session = cast(Any, None)
        gc.collect()
        assert gone() is None


async def test_what_a_slow_reader_gets_is_whole_and_in_order() -> None:
    async with connected(World()) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client, said, heard = peer.writer.get_extra_info("socket").fileno(), 0, b""
        for _ in range(5):
            while peer.socket.queued_bytes == 0:
                peer.session.writer.push("phoenix", str(said), b'"' + b"x" * (said * 7919 % 60_000) + b'"')
                said += 1
            heard += os.read(client, 1 << 22)  # there is room again, and something waits that must come first
            for _ in range(10):
                peer.session.writer.push("phoenix", str(said), b'"comes later"')
                said += 1
            while peer.socket.queued_bytes:
                await asyncio.sleep(0)
                with suppress(BlockingIOError):
                    heard += os.read(client, 1 << 16)
        peer.session.writer.push("phoenix", "last", b"[]")
        while not heard.endswith(b"[]]"):
            heard += os.read(client, 1 << 22)
        assert [json.loads(data)[3] for _, data in frames(heard)] == [*map(str, range(said)), "last"]


async def test_a_connection_that_is_gone_is_never_taken_for_the_next_one() -> None:
    async with connected(World()) as peer:
        number, write = peer.socket._file, peer.socket._write_at_once
        peer.socket._transport.abort()
        await peer.ended()
        pairs = [socket.socketpair()]
        while number not in {end.fileno() for end in pairs[-1]}:
            pairs.append(socket.socketpair())
        write(b"of another client")
        for end in pairs[-1]:
            end.setblocking(False)
            with pytest.raises(BlockingIOError):
                end.recv(100)
        for end in itertools.chain(*pairs):
            end.close()


async def test_a_restart_that_cannot_write_everything_proves_nothing() -> None:
    world = World()
    async with connected(world) as peer:
        await joined(world, peer)
        peer.fill_the_queue()
        world.change(title="fills the gap"), world.change(title="waits for a shared write")
        peer.session.close(*CloseCode.RESTART)
        assert await peer.read_to_the_close() == CloseCode.RESTART[0]
        peer.send_close(CloseCode.RESTART[0])
        await peer.ended()
    assert returned(world) == (["fills the gap", "waits for a shared write"], RESUMED)


async def test_who_overflows_while_it_joins_leaves_nothing_behind() -> None:
    world = World()
    watcher = world.member(user="user_maria")
    async with connected(world) as peer:
        peer.fill_the_queue()
        peer.send(join_message(world), ["1", "2", TOPIC, "presence", {"event": "track", "payload": {}}])
        assert await peer.read_to_the_close() == CloseCode.SLOW[0]
        world.clock.advance(10)
        watcher.heard()
        watcher.join(token=world.tokens.token("user_maria"))
        assert present(watcher) == []
    watcher.say("phx_leave", {})
    world.clock.advance(world.hub.kept_seconds + 1)
    world.hub.prune()
    assert world.hub.fanout.team("org_harbour").is_idle


async def test_a_close_of_the_client_s_own_that_crosses_ours_is_no_answer() -> None:
    world = World()
    async with connected(world) as peer:
        await joined(world, peer)
        world.change(title="written, but perhaps not read")
        peer.session.close(*CloseCode.RESTART)
        peer.send_close(1000)
        await peer.read_to_the_close()
        await peer.ended()
    assert returned(world) == (["written, but perhaps not read"], RESUMED)


async def test_an_answer_to_our_close_counts() -> None:
    world = World()
    async with connected(world) as peer:
        await joined(world, peer)
        world.change(title="read")
        peer.session.close(*CloseCode.RESTART)
        await peer.read_to_the_close()
        peer.send_close(CloseCode.RESTART[0])
        await peer.ended()
    assert returned(world) == ([], RESUMED)


async def test_the_connection_ends_when_the_others_know_where_its_client_is(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    asked: asyncio.Queue[Any] = asyncio.Queue()
    monkeypatch.setattr(world.peers, "share_now", asked.put_nowait)
    async with connected(world) as peer:
        await joined(world, peer)
        peer.session.close(*CloseCode.RESTART)
        await peer.read_to_the_close()
        peer.send_close(CloseCode.RESTART[0])
        told = await asyncio.wait_for(asked.get(), 10)
        end = asyncio.create_task(peer.reader.read())
        await asyncio.wait([end], timeout=0.1)
        assert not end.done(), "it would join elsewhere before its place is known there"
        told()
        assert await asyncio.wait_for(end, 10) == b""
