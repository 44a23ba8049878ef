"""The official clients, each in a process of its own, and what they report."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rte_devstack.folder import REPOSITORY

JAVASCRIPT = REPOSITORY / "tests" / "js"
KINDS = ("python", "js-2.109", "js-2.109-vsn1", "js-2.99", "js-2.15")
"""Generations that differ on the wire: Python and 2.15 speak 1.0.0, the others 2.0.0."""
PATIENCE = 20.0
"""Seconds after which an event that did not come is missing."""

Report = dict[str, Any]


class OfficialClient:
    """One client on one channel. Everything it reports stays in `reports`, in order."""

    def __init__(self, process: Process) -> None:
        self.reports: list[Report] = []
        self._process = process
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, kind: str, **wish: Any) -> "OfficialClient":
        """Start a client that subscribes at once; see tests/js/client.mjs for what can be wished."""
        if kind == "python":
            command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("python_client.py"))]
        else:
            generation, _, vsn1 = kind.removeprefix("js-").partition("-")
            wish = {"library": f"realtime-{generation}", **({"vsn": "1.0.0"} if vsn1 else {}), **wish}
            command = ["node", str(JAVASCRIPT / "client.mjs")]
        wish = {"key": "publishable", **wish}
        process = await asyncio.create_subprocess_exec(
            *command, json.dumps(wish), stdin=PIPE, stdout=PIPE, limit=1 << 22
        )
        return cls(process)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.reports.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self.reports.append({"kind": "ended", "code": await self._process.wait()})
            self._news.notify_all()

    async def until(self, enough: Callable[[list[Report]], bool], patience: float = PATIENCE) -> list[Report]:
        """Wait until `enough` is true of the reports; returns them."""
        try:
            async with asyncio.timeout(patience), self._news:
                await self._news.wait_for(lambda: enough(self.reports))
        except TimeoutError:
            raise AssertionError(f"did not come; reported: {self.reports[-20:]}") from None
        return self.reports

    async def heard(self, kind: str, count: int = 1, **fields: Any) -> Report:
        """Wait for the `count`th report of this kind with these fields; returns it."""

        def matching(reports: list[Report]) -> list[Report]:
            return [
                report
                for report in reports
                if report["kind"] == kind and all(report.get(name) == value for name, value in fields.items())
            ]

        return matching(await self.until(lambda reports: len(matching(reports)) >= count))[count - 1]

    def all(self, kind: str) -> list[Report]:
        """What was reported of this kind so far."""
        return [report for report in self.reports if report["kind"] == kind]

    async def subscribed(self, count: int = 1) -> None:
        """Wait until it has subscribed that often."""
        await self.heard("status", count, status="SUBSCRIBED")

    async def do(self, command: str, **fields: Any) -> Report:
        """Have it do something, and wait until it says so."""
        done = len([report for report in self.all("done") if report["do"] == command])
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")
        return await self.heard("done", done + 1, do=command)

    async def stop(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading


StartClient = Callable[..., Awaitable[OfficialClient]]
"""What the fixture `client` is: call it as `OfficialClient.start`; the process ends with the test."""
