"""`make up` and its companions on the whole stack."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import jwt
import pytest

from rte_devstack.folder import Folder
from rte_devstack.ports import reserved_row
from rte_devstack.postgres import psql
from rte_devstack.program import Program
from rte_devstack.services import PORTS, Parts

HOPELESS_SECONDS = 100


def run(parts: Parts, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RTE_PORT": str(parts.port), "RTE_STACK_DIR": str(parts.folder.path)}
    command = [sys.executable, "-m", "rte_devstack", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HOPELESS_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_up_shows_what_runs_and_ends(stack: Parts) -> None:
    again = run(stack, "up")
    assert (again.returncode, again.stderr) == (0, "")
    assert stack.origin in again.stdout
    assert "down" not in again.stdout


def test_a_token_is_printed_and_nothing_else(stack: Parts) -> None:
    printed = run(stack, "token", "--member", "maria", "--lifetime", "600")
    [token] = printed.stdout.splitlines()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["v"], claims["exp"] - claims["iat"]) == (2, 600)


def test_a_token_for_a_stranger_is_one_line_of_error(stack: Parts) -> None:
    printed = run(stack, "token", "--member", "nobody-knows")
    assert (printed.returncode, printed.stdout) == (1, "")
    assert len(printed.stderr.splitlines()) == 1


def test_a_killed_service_comes_back_behind_traefik(stack: Parts) -> None:
    def answers() -> bool:
        return httpx.get(f"{stack.url('traefik')}/api/openapi.json", trust_env=False).status_code == 200

    assert answers()
    state = stack.folder.state()
    assert state
    killed = state.programs["api"]
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: killed.find() is None)
    wait_until(answers)


def test_commands_without_a_stack_say_how_to_start_it(tmp_path: Path) -> None:
    parts = Parts(Folder(tmp_path / "none"), 8080)
    for command in ("status", "token", "migrate"):
        assert run(parts, command).stderr == "error: nothing runs: start it with `make up`\n"
    assert run(parts, "down").returncode == 0
    assert not parts.folder.path.exists()


@contextmanager
def own_stack(folder: Path) -> Iterator[tuple[Parts, Program]]:
    """A stack of the test's own, not started; what still runs at the end is ended."""
    with ExitStack() as kept:
        port = kept.enter_context(reserved_row(max(PORTS.values()) + 1))
        parts = Parts(Folder(folder), port)
        program = Program(
            "the stack",
            [sys.executable, "-m", "rte_devstack", "up"],
            log=folder.parent / "up.log",
            ready=lambda: (state := parts.folder.running()) is not None and state.ready,
            environment={**os.environ, "RTE_PORT": str(port), "RTE_STACK_DIR": str(folder)},
            start_seconds=HOPELESS_SECONDS,
            stop_seconds=30,
        )
        kept.callback(program.finish)
        kept.callback(run, parts, "down")
        yield parts, program


@pytest.mark.nightly
def test_it_starts_again_after_a_kill_and_keeps_its_data(tmp_path: Path) -> None:
    with own_stack(tmp_path / "a stack") as (parts, program):
        program.start()
        psql(parts.postgres.url(), "update users set name = 'Still here' where name like 'Alex%'")
        program.kill()
        program.start()
        assert psql(parts.postgres.url(), "select count(*) from users where name = 'Still here'") == "1"
        program.stop()
        assert program.exit_code == 0


@pytest.mark.nightly
def test_reset_leaves_nothing(tmp_path: Path) -> None:
    with own_stack(tmp_path / "stack") as (parts, program):
        program.start()
        assert run(parts, "reset").returncode == 0
        assert not parts.folder.path.exists()
