"""The supervisor keeps its promises, shown with tiny real programs."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rte_devstack.folder import SECRETS, Folder, ProcessMark
from rte_devstack.program import ProgramFailed, executable, last_words

BEGIN = "import os, signal, sys; print('began', os.getpid(), flush=True)"
SLEEP = f"{BEGIN}; signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


class Supervisor:
    """`supervise.py` with its output."""

    def __init__(self, folder: Path, *steps: dict[str, str], ports: dict[str, int] | None = None) -> None:
        self.folder = Folder(folder)
        command = [sys.executable, Path(__file__).with_name("supervise.py"), folder, json.dumps(ports or {})]
        self.process = subprocess.Popen(
            [*map(str, command), *map(json.dumps, steps)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def line(self, text: str) -> str:
        """Wait for the next line of output with `text` in it."""
        assert self.process.stdout
        return next((line for line in self.process.stdout if text in line), "it ended without that line")

    def mark(self, program: str) -> ProcessMark:
        state = self.folder.state()
        assert state
        return state.programs[program]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


Supervise = Callable[..., Supervisor]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    with ExitStack() as processes:

        def start(*steps: dict[str, str], ports: dict[str, int] | None = None) -> Supervisor:
            supervisor = Supervisor(tmp_path / "a stack", *steps, ports=ports)
            processes.enter_context(supervisor.process)
            processes.callback(supervisor.process.kill)
            return supervisor

        yield start


def test_a_killed_program_is_started_again(supervise: Supervise) -> None:
    supervisor = supervise({"a": SLEEP, "b": SLEEP})
    supervisor.line("started")
    first, other = supervisor.mark("a"), supervisor.mark("b")
    os.kill(first.pid, signal.SIGKILL)
    assert f"a died (signal SIGKILL), starting it again in 0.5 s: began {first.pid}" in supervisor.line("died")
    supervisor.line("a started again")
    assert supervisor.mark("a").find()
    assert supervisor.mark("a") != first
    assert supervisor.mark("b") == other


def test_a_step_is_made_when_those_before_it_are_done_and_what_they_say_is_kept(supervise: Supervise) -> None:
    supervisor = supervise({"first": SLEEP, "note": "said"}, {"second": SLEEP})
    supervisor.line("making step 1")
    assert supervisor.folder.log("first").read_text().startswith("began ")
    supervisor.line("started")

    state = supervisor.folder.state()
    assert state
    assert (state.parts, state.notes) == (["first", "second"], ["said"])
    assert supervisor.end(signal.SIGTERM) == 0


def test_pauses_grow_while_a_program_keeps_dying(supervise: Supervise) -> None:
    supervisor = supervise({"a": f"{BEGIN}; sys.stdin.read(); import time; time.sleep(0.3)"})
    supervisor.line("started")
    assert "in 0.5 s" in supervisor.line("died")
    assert "in 1 s" in supervisor.line("died")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_reverse_order(
    supervise: Supervise, number: signal.Signals, tmp_path: Path
) -> None:
    note = f"lambda *_: (open({str(tmp_path / 'order')!r}, 'a').write(sys.argv[0] + NAME), sys.exit(0))"
    source = f"import signal, sys; NAME = %r; signal.signal(signal.SIGTERM, {note}); {SLEEP}"
    supervisor = supervise({"a": source % "a"}, {"b": source % "b"}, {"c": source % "c"})
    supervisor.line("started")
    assert supervisor.end(number) == 0
    assert (tmp_path / "order").read_text().replace("-c", "") == "cba"
    assert supervisor.folder.state() is None


def test_a_program_that_ignores_the_signal_is_killed(supervise: Supervise) -> None:
    supervisor = supervise({"a": STUBBORN})
    supervisor.line("started")
    mark = supervisor.mark("a")
    assert supervisor.end(signal.SIGTERM) == 0
    assert mark.find() is None


def test_what_a_killed_supervisor_left_is_ended_by_the_next(supervise: Supervise) -> None:
    first = supervise({"a": STUBBORN, "b": SLEEP})
    first.line("started")
    left = first.mark("a")
    with subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.DEVNULL) as stranger:
        first.end(signal.SIGKILL)
        assert left.find()
        second = supervise({"a": SLEEP})
        second.line("started")
        assert left.find() is None
        assert second.mark("a").find()
        assert stranger.poll() is None
        stranger.kill()


def test_a_taken_port_is_one_line_that_names_port_user_and_holder(supervise: Supervise) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        supervisor = supervise({"a": SLEEP}, ports={"traefik": port})
        line = supervisor.line("error")
        assert f"port {port}, which traefik needs, is taken by" in line
        assert f"(process {os.getpid()})" in line
        assert "RTE_PORT=8180 make up" in line
        assert supervisor.process.wait(10) == 1
        assert not supervisor.folder.log("a").exists()


def test_a_port_that_is_taken_for_ipv6_alone_is_an_obstacle_too(supervise: Supervise) -> None:
    try:
        holder = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with holder:
        port = holder.getsockname()[1]
        line = supervise({"a": SLEEP}, ports={"traefik": port}).line("error")
        assert f"port {port}, which traefik needs, is taken by" in line
        assert f"(process {os.getpid()}) on [::1]" in line


def test_a_program_that_dies_at_the_start_is_one_line_and_nothing_stays(supervise: Supervise) -> None:
    supervisor = supervise(
        {"a": SLEEP}, {"b": "print('thinking', flush=True); raise SystemExit('DATABASE_URL is not set')"}
    )
    log = supervisor.folder.log("b")
    assert f"b stopped (exit code 1; log: {log}): DATABASE_URL is not set" in supervisor.line("error")
    assert supervisor.process.wait(10) == 1
    assert supervisor.folder.state() is None


def test_the_last_words_are_those_of_the_last_start(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("FATAL:  an old trouble\n")
    began = file.stat().st_size
    with file.open("a") as log:
        log.write("the new trouble\n")
    assert last_words(file, began) == "the new trouble"
    assert last_words(tmp_path / "none") == "nothing was logged"


def test_a_missing_program_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="run `make setup`"):
        executable("no-such-program", "no-such-wheel")


def test_only_one_holds_the_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.lock() as mine, folder.lock() as also_mine:
        assert (mine, also_mine) == (True, False)


def test_the_folder_is_private_and_its_secrets_are_made_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    folder.open()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.secrets() == Folder(folder.path).secrets()


def test_a_folder_with_files_of_others_is_refused_and_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "diploma.txt").touch()
    folder = Folder(tmp_path)
    with pytest.raises(ProgramFailed, match="files of others"):
        folder.open()
    folder.empty()
    assert (tmp_path / "diploma.txt").exists()
    assert not (tmp_path / SECRETS).exists()
