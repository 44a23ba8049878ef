"""`make watch` beside what becomes of the stack and of whoever reads its lines."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from rte_devstack.stack import Stack
from rte_testkit.official_clients import OfficialClient
from rte_testkit.terminal import Terminal, output, typed

WATCH = f"exec '{sys.executable}' -m rte_devstack watch"


def variables(stack: Stack) -> dict[str, str]:
    return {"RTE_PORT": str(stack.port), "RTE_STACK_DIR": str(stack.folder.path)}


@pytest.fixture
def watching(stack: Stack) -> Iterator[Terminal]:
    """A terminal in which Maria's team is watched."""
    with typed(f"{WATCH} --member maria", variables(stack)) as terminal:
        terminal.shows("watching Kestrel Harbour as Maria Silva")
        yield terminal


def test_it_goes_on_when_the_gateway_comes_back_and_ends_quietly(stack: Stack, watching: Terminal) -> None:
    state = stack.folder.running()
    assert state
    os.kill(state.programs["realtime-gateway"].pid, signal.SIGKILL)
    watching.shows("disconnected, trying again")
    watching.shows("connected again")
    user = {"first_name": "Ada", "last_name": "\x1b[2JLove\nlace"}
    made = httpx.post(f"{stack.url('clerk')}/devstack/users", json=user, trust_env=False).json()
    watching.shows("Ada [2JLove lace joined the team")
    httpx.delete(f"{stack.url('clerk')}/devstack/users/{made['id']}", trust_env=False)
    watching.shows("Ada [2JLove lace left the team")

    assert watching.interrupt() == 0
    assert len(watching.lines) == 5


async def test_it_says_who_comes_and_who_goes(stack: Stack, watching: Terminal) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        asked = await http.post(f"{stack.url('clerk')}/devstack/tokens", json={"member": "alex"})
    alex = await OfficialClient.start(
        "python",
        url=f"{stack.url('traefik', 'ws')}/realtime/v1",
        topic="expectations:active",
        token=asked.json()["token"],
        config={"presence": {"key": "alex"}},
    )
    try:
        await alex.subscribed()
        await alex.do("track", payload={"on": "the report"})
        await asyncio.to_thread(watching.shows, "Alex Morgan is here")
        await alex.do("track", payload={"on": "the slides"})
        await alex.do("untrack")
        await asyncio.to_thread(watching.shows, "Alex Morgan is away")
    finally:
        await alex.stop()

    assert len(watching.lines) == 3


def test_a_reader_that_has_enough_ends_it_without_a_word(stack: Stack) -> None:
    environment = {**os.environ, **variables(stack)}
    command = [sys.executable, "-m", "rte_devstack", "watch"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert b"watching" in process.stdout.readline()
        process.stdout.close()
        user = httpx.post(f"{stack.url('clerk')}/devstack/users", json={"first_name": "Bo"}, trust_env=False).json()
        said = process.stderr.read()
    httpx.delete(f"{stack.url('clerk')}/devstack/users/{user['id']}", trust_env=False)

    assert (process.returncode, said) == (0, b"")


def test_an_unknown_member_is_told_who_exists(stack: Stack) -> None:
    said = output(f"'{sys.executable}' -m rte_devstack watch --member bob 2>&1 || true", variables(stack))

    assert said.startswith("error: no token for bob: ")
    assert "alex, maria, david, sophia" in said
