"""`make logs`: untouched in a pipe, readable in a terminal, and it goes on over all that happens to files."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rte_devstack.folder import Folder
from rte_devstack.log_lines import parse
from rte_devstack.logs import LogFile, rendered

FIRST = '{"event": "first", "time": "2026-11-27T22:41:15Z", "level": "info", "title": "\\u001b[2J"}'
SECOND = "2026-11-27 22:41:16.000 UTC [7] ERROR:  second"
THIRD = '{"event": "third", "time": "2026-11-27T22:41:17Z", "level": "warning"}'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "stack")
    folder.open()
    folder.log("api").write_text(f"{FIRST}\n{THIRD}\n")
    folder.log("postgres").write_text(f"{SECOND}\n\tgoes on\n")
    return folder


def logs(folder: Folder, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rte_devstack", "logs", *arguments]
    return subprocess.run(command, env=variables(folder, environment), capture_output=True, text=True, check=False)


def variables(folder: Folder, more: dict[str, str]) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return {**known, "TZ": "UTC", "TERM": "xterm", **more, "RTE_STACK_DIR": str(folder.path)}


@contextmanager
def in_a_terminal(folder: Folder, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`make logs` with a terminal, and its other end."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rte_devstack", "logs"]
    with subprocess.Popen(command, env=variables(folder, environment), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_until(terminal: int, text: str) -> str:
    read = ""
    while text not in read:
        read += os.read(terminal, 65536).decode()
    return read.replace("\r\n", "\n")


def test_in_a_pipe_the_lines_are_as_they_were_in_the_order_they_came(folder: Folder) -> None:
    printed = logs(folder, "--no-follow")
    assert printed.stdout == f"{FIRST}\n{SECOND}\n\tgoes on\n{THIRD}\n"
    assert logs(folder, "--no-follow", "--lines=1", "api").stdout == f"{THIRD}\n"


def test_in_a_terminal_they_are_part_time_level_and_words(folder: Folder) -> None:
    with in_a_terminal(folder, NO_COLOR="1") as (process, terminal):
        assert [line.split(maxsplit=1) for line in read_until(terminal, "third\r\n").splitlines()] == [
            ["api", r"22:41:15 info  first title=\x1b[2J"],
            ["postgres", "22:41:16 error second"],
            ["postgres", "goes on"],
            ["api", "22:41:17 warn  third"],
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_colors_are_for_terminals_only(folder: Folder) -> None:
    with in_a_terminal(folder) as (_, terminal):
        shown = read_until(terminal, "third\r\n")
    assert "\x1b[31merror\x1b[0m second" in shown
    assert "\x1b[2J" not in shown
    assert "\x1b" not in logs(folder, "--no-follow").stdout


def test_a_traceback_stands_whole_below_its_line() -> None:
    line = parse('{"event": "request_failed", "exception": "Traceback:\\n  File x\\nKeyError: 1", "level": "error"}')
    shown = rendered(["api"], "api", line, color=False).splitlines()
    assert shown[0].endswith("error request_failed")
    assert shown[1:] == ["    Traceback:", "      File x", "    KeyError: 1"]


def test_what_a_terminal_would_obey_is_shown() -> None:
    shown = rendered(["api"], "api", parse("a\x1b]0;title\x07\x9bb"), color=False)
    assert shown.endswith(r"a\x1b]0;title\x07\x9bb")


def test_lines_come_whole_and_a_new_file_is_followed_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "api.log"
    file = LogFile("api", path)
    assert file.last(20) == []
    path.parent.mkdir()
    path.write_text("one\ntw")
    assert file.new() == [b"one"]
    with path.open("a") as log:
        log.write("o\n")
    assert file.new() == [b"two"]
    path.unlink()
    path.parent.rmdir()
    assert file.new() == []
    path.parent.mkdir()
    path.write_text("after the reset\n")
    assert file.new() == [b"after the reset"]
    path.write_text("short\n")  # truncated in place
    assert file.new() == [b"short"]
    file.close()


def test_following_survives_a_reset(folder: Folder) -> None:
    with in_a_terminal(folder, NO_COLOR="1") as (_, terminal):
        read_until(terminal, "third\r\n")
        folder.empty()
        folder.open()
        folder.log("nats").write_text("[1] 2026/11/27 22:41:18.000000 [INF] fourth\n")
        assert "22:41:18 info  fourth" in read_until(terminal, "fourth\r\n")


def test_who_reads_no_further_ends_it_quietly(folder: Folder) -> None:
    folder.log("api").write_text(f"{FIRST}\n" * 5000)
    command = [sys.executable, "-m", "rte_devstack", "logs", "--no-follow", "--lines=5000"]
    with subprocess.Popen(
        command, env=variables(folder, {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(20) == 0


def test_a_part_that_there_is_not_is_named_with_those_that_there_are(folder: Folder, tmp_path: Path) -> None:
    printed = logs(folder, "apii", "--no-follow")
    assert printed.returncode == 1
    assert re.fullmatch(r"error: there is no part 'apii': did you mean api\? There are: .*nats.*\n", printed.stderr)
    nothing = logs(Folder(tmp_path / "none"), "--no-follow")
    assert nothing.returncode == 1
    assert "there are no logs in" in nothing.stderr
    assert "make up" in nothing.stderr
