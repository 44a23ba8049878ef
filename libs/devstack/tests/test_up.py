"""`make up` and its companions on the whole stack."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import jwt
import pytest

from rte_devstack.folder import REPOSITORY, Folder
from rte_devstack.ports import PORTS, reserved_row
from rte_devstack.postgres import psql
from rte_devstack.program import Program, ProgramFailed
from rte_devstack.session_token import token
from rte_devstack.stack import Stack

HOPELESS_SECONDS = 100


def run(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RTE_PORT": str(stack.port), "RTE_STACK_DIR": str(stack.folder.path)}
    command = [sys.executable, "-m", "rte_devstack", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HOPELESS_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_up_shows_what_runs_and_ends(stack: Stack) -> None:
    again = run(stack, "up")
    assert (again.returncode, again.stderr) == (0, "")
    assert stack.origin in again.stdout
    assert not re.search(r"^\S+ +down", again.stdout, re.MULTILINE)


def test_a_token_is_printed_and_nothing_else(stack: Stack) -> None:
    printed = run(stack, "token", "--member", "maria", "--lifetime", "600")
    [token] = printed.stdout.splitlines()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["v"], claims["exp"] - claims["iat"]) == (2, 600)


def test_a_token_for_a_stranger_is_one_line_of_error(stack: Stack) -> None:
    printed = run(stack, "token", "--member", "nobody-knows")
    assert (printed.returncode, printed.stdout) == (1, "")
    assert printed.stderr.startswith("error: there is no member 'nobody-knows'. There are: ")
    assert "alex, maria, david, sophia" in printed.stderr
    assert len(printed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [(["--member", "mria"], "did you mean maria?"), (["--org", "kestral"], "did you mean kestrel-harbour?")],
)
def test_a_typing_error_suggests_the_nearest(stack: Stack, asked: list[str], suggested: str) -> None:
    assert suggested in run(stack, "token", *asked).stderr


@pytest.mark.parametrize("lifetime", ["nan", "inf", "-5", "0", "1e9", "1e400", "abc", ""])
def test_a_lifetime_that_is_none_is_a_sentence_with_what_is_allowed(lifetime: str) -> None:
    with pytest.raises(ProgramFailed) as refusal:
        token(Namespace(member="alex", lifetime=lifetime, org=None))
    assert str(refusal.value) == f"LIFETIME is {lifetime!r}, but must be seconds from 1 to 2678400 (31 days)"


@pytest.mark.parametrize("lifetime", ["NaN", "Infinity", "1e400", "-Infinity"])
def test_the_stand_in_refuses_a_lifetime_without_end(stack: Stack, lifetime: str) -> None:
    body = f'{{"member": "alex", "lifetime": {lifetime}}}'
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{stack.url('clerk')}/devstack/tokens", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 422
    assert "lifetime: " in answer.json()["errors"][0]["message"]


def test_migrate_says_which_schema_there_is(stack: Stack) -> None:
    printed = run(stack, "migrate")
    newest = max(
        file.name[:4] for file in (REPOSITORY / "libs/common/src/rte_common/migrations/versions").glob("0*.py")
    )
    assert (printed.returncode, printed.stdout) == (0, f"the schema is {newest} already, the newest\n")


def test_the_table_fits_sixty_columns_and_names_this_stacks_commands(stack: Stack) -> None:
    table, _, below = run(stack, "status").stdout.partition("\n\n")
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 60
    assert f"RTE_PORT={stack.port} RTE_STACK_DIR={shlex.quote(str(stack.folder.path))} make -s token" in below


def test_a_killed_service_comes_back_behind_traefik(stack: Stack) -> None:
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
    stack = Stack(Folder(tmp_path / "none"), 8080)
    for command in ("status", "token", "migrate"):
        printed = run(stack, command)
        assert printed.returncode == 1
        assert printed.stderr == (
            f"error: nothing runs: start it with `RTE_PORT=8080 RTE_STACK_DIR={stack.folder.path} make up`\n"
        )
    assert (run(stack, "down").returncode, run(stack, "down").stdout) == (0, "nothing ran\n")
    assert not stack.folder.path.exists()


@contextmanager
def own_stack(folder: Path) -> Iterator[tuple[Stack, Program]]:
    """A stack of the test's own, not started; what still runs at the end is ended."""
    with ExitStack() as kept:
        port = kept.enter_context(reserved_row(max(PORTS.values()) + 1))
        stack = Stack(Folder(folder), port)
        program = Program(
            "the stack",
            [sys.executable, "-m", "rte_devstack", "up"],
            log=folder.parent / "up.log",
            ready=lambda: (state := stack.folder.running()) is not None and state.ready,
            environment={**os.environ, "RTE_PORT": str(port), "RTE_STACK_DIR": str(folder)},
            start_seconds=HOPELESS_SECONDS,
            stop_seconds=30,
        )
        kept.callback(program.finish)
        kept.callback(run, stack, "down")
        yield stack, program


@pytest.mark.nightly
def test_it_starts_again_after_a_kill_and_keeps_its_data(tmp_path: Path) -> None:
    with own_stack(tmp_path / "a stack") as (stack, program):
        program.start()
        psql(stack.postgres.url(), "update users set name = 'Still here' where name like 'Alex%'")
        program.kill()
        program.start()
        assert psql(stack.postgres.url(), "select count(*) from users where name = 'Still here'") == "1"
        program.stop()
        assert program.exit_code == 0


@pytest.mark.nightly
def test_reset_leaves_nothing(tmp_path: Path) -> None:
    with own_stack(tmp_path / "stack") as (stack, program):
        program.start()
        printed = run(stack, "reset")
        assert printed.returncode == 0
        # Ten where the web client is built.
        assert re.search(rf"stopped (9|10) programs\ndeleted {re.escape(str(stack.folder.path))} \(", printed.stdout)
        assert not stack.folder.path.exists()
