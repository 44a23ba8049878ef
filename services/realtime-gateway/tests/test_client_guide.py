"""The examples of docs/realtime-clients.md run as they are printed."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rte_realtime_gateway.protocol.messages import LOAD_AGAIN
from rte_testkit.gateway import Changes, Gateway, Members
from rte_testkit.official_clients import JAVASCRIPT

GUIDE = Path(__file__).parents[3] / "docs" / "realtime-clients.md"
RUN = {"javascript": ["node", "--input-type=module", "--eval"], "python": [sys.executable, "-W", "ignore", "-c"]}


@pytest.mark.parametrize("language", RUN)
async def test_the_example_of_the_guide_prints_changes(
    language: str, javascript: None, gateway: Gateway, members: Members, changes: Changes
) -> None:
    (code,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    environment = {**os.environ, "REALTIME_URL": gateway.url, "TOKEN": members.token("user_maria")}
    process = await asyncio.create_subprocess_exec(
        *RUN[language], code, cwd=JAVASCRIPT, env=environment, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    printed = []
    try:
        async with asyncio.timeout(20):
            async for line in process.stdout:
                printed.append(line.decode())
                if LOAD_AGAIN in printed[-1]:
                    await changes.insert(title="Printed by the example")
                if "Printed by the example" in printed[-1]:
                    break
    finally:
        print("".join(printed))
        process.kill()
        await process.wait()
    assert "INSERT" in printed[-1]
