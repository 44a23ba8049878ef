"""Run an application in this process on a free port, as tests of the stand-ins and of their clients need it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    """A server that leaves the signals to the test run, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


async def ready(url: str) -> None:
    """Wait until the service at `url` says that it is; TimeoutError after 20 seconds."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client, asyncio.timeout(20):
        while (await client.get("/ready")).status_code != 200:  # noqa: ASYNC110  # HTTP tells no events
            await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(app: FastAPI, **options: Any) -> AsyncIterator[str]:
    """Serve `app` while inside; gives its address, without a slash at the end. `options` go to uvicorn's Config."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(uvicorn.Config(app, log_config=None, lifespan="on", **options))
        running = asyncio.create_task(server.serve([listener]))
        listens = asyncio.create_task(server.listening.wait())
        try:
            await asyncio.wait([running, listens], return_when=asyncio.FIRST_COMPLETED)
            if not server.started:
                await running
                raise RuntimeError(f"{app.title} did not start")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listens.cancel()
            server.should_exit = True
            await running
