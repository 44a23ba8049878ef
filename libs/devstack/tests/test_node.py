"""Which Node builds the web client."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rte_devstack import node
from rte_devstack.program import ProgramFailed

Machine = Callable[[str], None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Call it with a version for a machine whose PATH has that Node first, and its npm."""

    def has(version: str) -> None:
        for name in ("node", "npm"):
            (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return has


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        *[("v18.19.0", False), ("v20.18.9", False), ("v20.19.0", True), ("v21.7.3", False), ("v22.11.0", False)],
        *[
            ("v22.12.0", True),
            ("v23.1.0", True),
            ("v24.19.0", True),
            ("v100.0.0", True),
            ("", False),
            ("nonsense", False),
        ],
    ],
)
def test_it_must_be_one_that_vite_runs_on(version: str, *, enough: bool) -> None:
    assert node.new_enough(version) == enough


def test_the_machines_own_is_taken_when_it_is_new_enough(machine: Machine) -> None:
    machine("v24.0.0")

    assert node.version_in_path() == "v24.0.0"
    assert node.environment() == dict(os.environ)


def test_without_one_that_is_new_enough_and_without_a_network_it_says_so(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("v18.19.0")
    monkeypatch.setattr(node, "PROGRAMS", tmp_path / "none")
    monkeypatch.setattr(node, "LOCK", tmp_path / "gone.txt")

    with pytest.raises(
        ProgramFailed, match=r"^there is no Node 20\.19, 22\.12 or newer, and the one of PyPI cannot be"
    ):
        node.environment()


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_the_one_of_pypi_is_installed_when_it_is_needed(machine: Machine) -> None:
    machine("v18.19.0")
    found = subprocess.run(
        [sys.executable, "-m", "rte_devstack.node", "npm", "exec", "--", "node", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert node.new_enough(found.stdout.strip())
    assert found.stdout.strip() != "v18.19.0"
