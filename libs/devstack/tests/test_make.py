"""What is typed first on a fresh clone, and typed wrongly, is answered at once and installs nothing."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rte_devstack.folder import REPOSITORY, Folder

VARIABLES = ("RTE_PORT", "RTE_STACK_DIR", "PYTHON", "MEMBER", "LIFETIME", "ORG", "PART", "BENCH", "YES", "DEMO")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the first commands need of a fresh clone."""
    place = tmp_path / "a clone"
    package = Path("libs/devstack/src/rte_devstack")
    shutil.copytree(REPOSITORY / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Makefile", place)
    return place


def make(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not re.match("RTE_|MAKE|MFLAGS", name)}
    return subprocess.run(
        ["make", *arguments],
        cwd=place,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("target", ["status", "token", "logs", "migrate"])
def test_on_a_fresh_clone_nothing_runs_and_nothing_is_installed(clone: Path, target: str) -> None:
    printed = make(clone, target)
    assert printed.returncode == 2
    assert printed.stdout == ""
    assert printed.stderr.startswith("error: nothing runs, nor is anything installed: start it with `make up`\n")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("target", ["down", "reset"])
def test_on_a_fresh_clone_there_is_nothing_to_stop(clone: Path, target: str) -> None:
    printed = make(clone, target)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.startswith("nothing ran")
    assert not (clone / ".venv").exists()


def test_help_names_every_target_and_variable_within_100_columns(clone: Path) -> None:
    shown = make(clone, PATH="/usr/bin:/bin").stdout
    assert max(map(len, shown.splitlines())) <= 100
    public = set(re.findall("^([a-z-]+):.*##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert public <= set(re.findall("^  ([a-z-]+) ", shown, re.MULTILINE))
    assert set(VARIABLES) <= set(re.findall("^  ([A-Z_]+)=", shown, re.MULTILINE))


@pytest.mark.parametrize("options", [[], ["-n"]])
def test_a_target_that_there_is_not_suggests_the_nearest(clone: Path, options: list[str]) -> None:
    printed = make(clone, *options, "sart")
    assert printed.returncode == 2
    assert printed.stderr.startswith("error: there is no make target 'sart': did you mean start? There are: ")


def test_files_are_no_wrong_targets_and_a_dry_run_does_nothing(clone: Path) -> None:
    (clone / "README.md").touch()
    assert make(clone, "README.md").returncode == 0
    for target in ("down", "reset", "status", "token", "logs", "doctor"):
        assert make(clone, "-n", target).returncode == 0
    assert not (clone / ".venv").exists()


def test_a_bench_that_there_is_not_names_those_that_there_are(clone: Path) -> None:
    printed = make(clone, "bench", "BENCH=soaks")
    assert (
        "there is no bench 'soaks': did you mean soak? There are: api, exports, fanout, page, soak, transactions"
        in printed.stderr
    )
    known = {file.stem for file in (REPOSITORY / "tests" / "bench").glob("*.py")}
    assert {"api", "fanout", "soak", "transactions"} <= known


def test_without_python_it_is_said_in_a_sentence(clone: Path) -> None:
    printed = make(clone, "doctor", "PYTHON=no-python")
    assert printed.returncode == 2
    assert printed.stderr.startswith("error: there is no no-python: install Python 3.11 or newer")


def test_a_setup_that_fails_has_the_doctor_say_why(clone: Path) -> None:
    colon = clone.rename(clone.with_name("a:clone"))
    for file in ("requirements/bootstrap.txt", "requirements/dev.txt", "pyproject.toml"):
        (colon / file).parent.mkdir(exist_ok=True)
        (colon / file).touch()
    printed = make(colon, "up", f"PYTHON={sys.executable}", PIP_INDEX_URL="http://me:hunter2@127.0.0.1:9/simple")
    assert printed.returncode == 2
    assert "make doctor says:" in printed.stderr
    assert "a path with a colon cannot hold .venv" in printed.stderr
    assert "the package index 127.0.0.1 cannot be reached" in printed.stderr
    assert "hunter2" not in printed.stderr.partition("make doctor says:")[2]


@pytest.mark.parametrize(("answer", "stays"), [("n", True), ("", True), ("\x04", True), ("y", False)])
def test_reset_asks_in_a_terminal(tmp_path: Path, answer: str, stays: bool) -> None:
    folder = Folder(tmp_path / "stack")
    folder.open()
    folder.secrets()
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    process = subprocess.Popen(
        [sys.executable, "-m", "rte_devstack", "reset"],
        env=environment | {"RTE_STACK_DIR": str(folder.path)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(ours, f"{answer}\n".encode())
    said, _ = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert f"deletes {folder.path}" in said
    assert "Go on? [y/N]" in said
    assert folder.path.exists() is stays
    assert process.returncode == int(stays)


def test_yes_is_said_beforehand(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "stack")
    folder.open()
    folder.secrets()
    printed = make(REPOSITORY, "-n", "reset", "YES=1", RTE_STACK_DIR=str(folder.path))
    assert "reset --yes" in printed.stdout
