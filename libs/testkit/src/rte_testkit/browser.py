"""Chromium, led over its DevTools protocol."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    "--remote-debugging-port=0",
)
PATIENCE_SECONDS = 30


class PageFailed(Exception):
    """A script threw, or the page went away while it ran; the message is the browser's."""


class Page:
    """A tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def _do(self, method: str, **params: Any) -> Any:
        id = next(self._ids)
        await self._socket.send(json.dumps({"id": id, "method": method, "params": params}))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := json.loads(await self._socket.recv())).get("id") != id:
                pass
        if "error" in answer:
            raise PageFailed(answer["error"]["message"])
        return answer["result"]

    async def open(self, url: str) -> None:
        """Go to `url`."""
        await self._do("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """Evaluate JavaScript, wait for its promise, and return its value as JSON has it."""
        result = await self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if thrown := result.get("exceptionDetails"):
            raise PageFailed(thrown.get("exception", {}).get("description", thrown["text"]))
        return result["result"].get("value")

    async def click(self, selector: str) -> None:
        """Wait for an element, and click it."""
        await self.until(f"((found) => (found?.click(), !!found))(document.querySelector({json.dumps(selector)}))")

    async def until(self, script: str) -> Any:
        """Wait until the script's value is true, over navigations; returns it."""
        problem = "nothing"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        if value := await self.run(script):
                            return value
                    except PageFailed as error:
                        problem = str(error)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = await self.run("`${location}: ${document.documentElement.innerText}`")
            raise AssertionError(f"{script} never came (last problem: {problem}) on {shown}") from None


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """A browser with a fresh profile in `folder`, and its tab; it ends with the block."""
    assert CHROMIUM
    quiet = asyncio.subprocess.DEVNULL
    environment = {**os.environ, "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *FLAGS, f"--user-data-dir={folder}"), stdout=quiet, stderr=quiet, env=environment
    )
    try:
        port = await _debugging_port(folder / "DevToolsActivePort")
        async with httpx.AsyncClient(trust_env=False) as http:
            tab = (await http.put(f"http://127.0.0.1:{port}/json/new?about:blank")).json()
        async with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        await process.wait()


async def _debugging_port(file: Path) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (lines := _whole_lines(file)):
            await asyncio.sleep(0.05)
    return int(lines[0])


def _whole_lines(file: Path) -> list[str]:
    return file.read_text().split("\n")[:-1] if file.exists() else []
