"""A failed start tells its cause, whenever the cause is written and wherever it lies."""

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from rte_devstack import disk
from rte_devstack.folder import Folder
from rte_devstack.program import ProgramFailed
from rte_devstack.start import start_detached, up

FAILS = """
import os, sys, time
from pathlib import Path
from rte_devstack.folder import Folder, ProcessMark, State
folder = Folder(Path(sys.argv[1]))
folder.write_state(State(ProcessMark.of(os.getpid()), 8080, "thinking"))
print("thinking", flush=True)
folder.clear_state()
time.sleep(0.3)  # a slow machine: who follows has seen long ago that the state is gone
sys.exit(sys.argv[2])
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rte_devstack", *arguments]
    variables = {**os.environ, "RTE_STACK_DIR": str(folder), **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("error: nats stopped:\n    one\n    two", "nats stopped:\n    one\n    two"),
        ("KeyError: 'NATS_URL'", "KeyError: 'NATS_URL'"),
    ],
)
def test_the_cause_is_shown_also_when_the_state_is_gone_before_it_is_said(
    tmp_path: Path, said: str, cause: str
) -> None:
    folder = Folder(tmp_path)
    folder.open()
    folder.log("devstack").write_text("error: of an earlier start\n")
    with pytest.raises(ProgramFailed) as failure:
        start_detached(folder, [sys.executable, "-c", FAILS, str(tmp_path), said])
    assert str(failure.value) == cause


def test_a_start_that_is_stopped_says_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.open()
    with pytest.raises(ProgramFailed, match="stopped before all was started"):
        start_detached(folder, [sys.executable, "-c", ""])


@pytest.mark.parametrize("port", ["abc", "", "0", "70000", "65530", "-1", "80.5", "²", "9" * 5000])
def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTE_STACK_DIR", str(tmp_path / "stack"))
    monkeypatch.setenv("RTE_PORT", port)
    with pytest.raises(ProgramFailed) as refusal:
        up(Namespace(detach=False))
    assert str(refusal.value) == f"RTE_PORT is {port!r}, but must be a port from 1 to 65511"
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize("command", ["up", "start", "status", "down", "reset", "token", "logs", "migrate"])
def test_a_file_is_no_folder_and_no_command_has_a_traceback(tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    printed = run(file, *(["up", "--detach"] if command == "start" else [command]))
    assert "Traceback" not in printed.stderr
    assert command not in ("up", "start") or f"cannot use {file} (it is no folder)" in printed.stderr
    assert printed.returncode == (0 if command in ("down", "reset") else 1)
    assert file.read_text() == "mine"


def test_reset_deletes_nothing_where_no_stack_is(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "diploma.txt").touch()
    printed = run(tmp_path, "reset")
    assert printed.returncode == 1
    assert printed.stderr == f"error: {tmp_path} holds files of others and no stack: nothing was deleted\n"
    assert (tmp_path / "storage").exists()


def test_reset_says_what_it_deletes(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "stack")
    folder.open()
    folder.secrets()
    (folder.path / "postgres").mkdir()
    (folder.path / "postgres" / "table").write_bytes(b"x" * 3_000_000)
    printed = run(folder.path, "reset")
    assert printed.stdout == f"nothing ran\ndeleted {folder.path} (postgres 3 MB)\n"
    assert not folder.path.exists()
    assert run(folder.path, "reset").stdout == f"nothing ran\nnothing to delete at {folder.path}\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 8 MB and 40 files."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root mounts a disk")
    place = tmp_path / "disk"
    place.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "size=8m,nr_inodes=40", "none", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this container mounts nothing")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_too_little_room_is_said_before_the_start(small_disk: Path) -> None:
    for detach in ([], ["--detach"]):
        printed = run(small_disk / "stack", "up", *detach)
        assert printed.returncode == 1
        assert printed.stderr.startswith(f"error: disk: 8 MB free at {small_disk}")
        assert "200 MB are needed" in printed.stderr


def test_a_disk_that_fills_before_anything_can_be_said_is_named(small_disk: Path) -> None:
    folder = Folder(small_disk / "stack")
    folder.open()
    (small_disk / "big").write_bytes(b"x" * 7_000_000)
    with pytest.raises(ProgramFailed, match="disk: 1 MB free at"):
        start_detached(folder, [sys.executable, "-c", "raise SystemExit(1)"])


def test_a_folder_that_a_full_disk_left_half_written_is_a_stacks_still(tmp_path: Path) -> None:
    (tmp_path / "secrets.json.new").touch()
    Folder(tmp_path).open()
    assert run(tmp_path, "reset").returncode == 0
    assert not tmp_path.exists()


def test_room_files_and_leave_to_write_are_looked_for(small_disk: Path) -> None:
    assert disk.shortage(small_disk, needed=1, files=1) == ""
    assert "inodes" in disk.shortage(small_disk, needed=1, files=100)
    assert disk.full(small_disk / "not" / "yet" / "there") == ""
    (small_disk / "big").write_bytes(b"x" * 4_000_000)
    assert disk.full(small_disk) == f"disk: 4 MB free at {small_disk}, 5 MB are needed"
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "read-only" in disk.shortage(small_disk)
    printed = run(small_disk / "stack", "up")
    assert printed.returncode == 1
    assert "ead-only" in printed.stderr.splitlines()[0]


def test_a_disk_that_fills_is_named_at_once(small_disk: Path) -> None:
    supervise = Path(__file__).with_name("supervise.py")
    fills = f"import signal; open({str(small_disk / 'data')!r}, 'wb').write(bytes(6_000_000)); signal.pause()"
    step = json.dumps({"a": fills})
    command = [sys.executable, str(supervise), str(small_disk / "stack"), "{}", step]
    printed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert re.match(rf"error: disk: [0-4] MB free at {small_disk}", printed.stderr)
    assert "a is not ready" in printed.stderr
