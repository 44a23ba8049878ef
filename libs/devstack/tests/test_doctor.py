"""`make doctor` says what is bad in a sentence, on Pythons that are too old, and tells no secrets."""

import ast
import io
import os
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rte_devstack import disk, doctor, hints
from rte_devstack.doctor import Finding

SOURCE = Path(doctor.__file__).parents[1]


def shown(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as make does: with no package but Python's own."""
    command = [sys.executable, "-S", "-m", "rte_devstack.doctor", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_it_needs_nothing_installed_and_shows_a_row_for_each_check() -> None:
    printed = shown(RTE_PORT="20000")
    rows = printed.stdout.splitlines()
    assert [row[2:].split("  ")[0].strip() for row in rows] == list(doctor.CHECKS)
    assert printed.returncode == any(row.startswith("✗") for row in rows)
    assert printed.stderr == ""


@pytest.mark.parametrize("module", [disk, doctor, hints])
def test_it_is_written_for_a_python_that_is_too_old(module: object) -> None:
    source = Path(str(vars(module)["__file__"])).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    # Subscripted at run time they need 3.9, and dataclasses 3.7.
    assert not imported & {"collections.abc", "dataclasses", "__future__"}


def test_a_python_that_is_too_old_is_named_with_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(shutil, "which", lambda name: name == "python3.12")
    assert doctor.python() == Finding(
        "bad", "Python 3.9.1 is too old, 3.11 or newer is needed: make PYTHON=python3.12 up"
    )


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_taken_port_is_named_with_its_holder_on_both_families(
    family: socket.AddressFamily, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        holder = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with holder:
        port = holder.getsockname()[1]
        monkeypatch.setenv("RTE_PORT", str(port - 5))
        finding = doctor.ports()
    assert finding.mark == "bad"
    assert f"{port} is taken by" in finding.sentence
    assert f"(process {os.getpid()})" in finding.sentence


@pytest.mark.parametrize("port", ["", "abc", "0", "70000"])
def test_a_port_that_is_none_is_bad(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTE_PORT", port)
    assert doctor.ports().mark == "bad"


def test_few_open_files_are_noted_and_very_few_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    for limit in (resource.RLIM_INFINITY, 4096, 1000, 100):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        marks.append(doctor.open_files().mark)
    assert marks == ["ok", "ok", "note", "bad"]


def test_an_index_out_of_reach_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:hunter2@127.0.0.1:9/simple")
    finding = doctor.index()
    assert finding.mark == "bad"
    assert finding.sentence.startswith("the package index 127.0.0.1 cannot be reached")


def test_a_proxy_out_of_reach_is_told_from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://nowhere.invalid/simple")
    monkeypatch.setenv("PIP_PROXY", "http://me:hunter2@127.0.0.1:9")
    finding = doctor.index()
    assert "through a proxy that does not answer" in finding.sentence
    assert "hunter2" not in finding.sentence


def test_an_index_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "INDEX_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        finding = doctor.index()
    assert finding.mark == "bad"
    assert "does not answer within 1 s" in finding.sentence


def test_only_what_is_bad_is_printed_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"disk": Finding("ok", "fine"), "node": Finding("note", "missing")}
    monkeypatch.setattr(doctor, "CHECKS", {name: lambda name=name: found[name] for name in found})
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    doctor.print_bad(("disk", "node"), printed)
    assert printed.tell() == 0
    found["disk"] = Finding("bad", "3 MB free at Präsentation")
    doctor.print_bad(("disk", "node"), printed)
    printed.seek(0)
    assert [line.split(maxsplit=2) for line in printed] == [
        ["make", "doctor", "says:\n"],
        ["✗", "disk", "3 MB free at Präsentation\n"],
    ]


def test_a_terminal_without_these_letters_gets_others() -> None:
    printed = shown(PYTHONIOENCODING="ascii", RTE_PORT="20000")
    assert printed.stdout.startswith("ok   python")


@pytest.mark.parametrize(
    ("path", "because"), [("/a:b", "a colon"), ("/a\nb", "a line break"), ("/a\udce4", "letters that are not UTF-8")]
)
def test_a_folder_that_no_environment_can_lie_in_is_bad(
    path: str, because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "REPOSITORY", path)
    found = doctor.folder()
    assert found.mark == "bad"
    assert because in found.sentence
    found.sentence.encode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_a_folder_that_may_hold_no_programs_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "none", str(tmp_path)], check=False).returncode != 0:
        pytest.skip("this root may not mount")
    try:
        monkeypatch.setattr(doctor, "REPOSITORY", str(tmp_path))
        found = doctor.folder()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert found.mark == "bad"
    assert "noexec" in found.sentence
