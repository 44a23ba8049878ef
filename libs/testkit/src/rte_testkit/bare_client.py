"""A bare client of version 2.0.0 in the test's own process, for what the official clients do not let through."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

TOPIC = "realtime:expectations:active"
ALL = [{"event": "*", "schema": "public", "table": "expectations"}]


class Bare:
    """One websocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._refs = itertools.count(1)

    async def say(self, event: str, payload: Any, topic: str = TOPIC) -> str:
        """Send a message; returns its ref."""
        ref = str(next(self._refs))
        await self.socket.send(json.dumps([ref, ref, topic, event, payload]))
        return ref

    async def hear(self, event: str) -> Any:
        """Skip to the next message of this kind; returns its payload."""
        async with asyncio.timeout(20):
            async for frame in self.socket:
                if isinstance(frame, str):
                    message = json.loads(frame)
                    if message[3] == event:
                        return message[4]
        raise AssertionError(f"the socket closed before {event}")

    async def placed(self) -> str:
        """Skip to the `system` message that says where the client stands; returns it."""
        while (said := await self.hear("system"))["extension"] != "system":
            continue
        return str(said["message"])

    async def titles(self) -> AsyncIterator[str]:
        """Titles of the expectations that come, until the server closes the socket."""
        with suppress(ConnectionClosedError):
            async for frame in self.socket:
                if isinstance(frame, str) and (message := json.loads(frame))[3] == "postgres_changes":
                    yield message[4]["data"]["record"]["title"]

    async def join(self, token: str, **config: Any) -> Any:
        """Join the team's channel; returns the reply."""
        config = {"postgres_changes": ALL, **config}
        await self.say("phx_join", {"config": config, "access_token": token})
        return await self.hear("phx_reply")

    async def heartbeat(self) -> Any:
        """Send a heartbeat; returns the reply."""
        await self.say("heartbeat", {}, "phoenix")
        return await self.hear("phx_reply")


@asynccontextmanager
async def bare(url: str, **options: Any) -> AsyncIterator[Bare]:
    """Connect to a websocket address."""
    async with connect(url, proxy=None, ping_interval=None, **options) as socket:
        yield Bare(socket)
