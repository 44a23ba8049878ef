"""The file `.env`, and the origins that the environment names."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rte_devstack.environment import EnvFile, origins, take_env_file
from rte_devstack.program import ProgramFailed
from rte_devstack.stack import Stack

Take = Callable[[bytes], EnvFile | None]


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Call it to take a file of this content; the environment is as before afterwards."""
    for name in ("A", "B", "C"):
        monkeypatch.setenv(name, "to be forgotten")
        monkeypatch.delenv(name)

    def taken(content: bytes) -> EnvFile | None:
        (tmp_path / "own.env").write_bytes(content)
        monkeypatch.setenv("RTE_ENV_FILE", str(tmp_path / "own.env"))
        return take_env_file()

    return taken


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"A=1", "1"),
        (b"\xef\xbb\xbfA=1\r\n", "1"),
        (b"\r\nA=1\r\nB=2\r\n", "1"),
        (b"export A=1", "1"),
        (b"  A = 1  # why", "1"),
        (b"A=1#2", "1#2"),
        (b"A='1 # 2'  # why", "1 # 2"),
        (b'A="one\\ntwo"', "one\ntwo"),
        (b'A="one\ntwo"', "one\ntwo"),
        (b"A=pa$$word$HOME${HOME}", "pa$$word$HOME${HOME}"),
        (b"A=1\nA=2", "2"),
        ("A='Grüße, José'".encode(), "Grüße, José"),
        (b"A=", None),
        (b"A=''", None),
        (b"A=  # why", None),
        (b"#A=1", None),
        (b"A=1\nA=", None),
    ],
)
def test_a_value_is_read_as_the_file_means_it(take: Take, content: bytes, value: str | None) -> None:
    take(content)

    assert os.environ.get("A") == value


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"A=1\n\n# fine\nB\nC=3", 4),
        (b"A=1\r\n\r\nB C=2\r\n", 3),
        (b'A=1\nB="never closed\nC=3', 2),
        (b"A=1\n=2", 2),
        (b"A=1\nB-2=3", 2),
        (b"A=1\nB=\0", 2),
        (b"export A", 1),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_taken(take: Take, tmp_path: Path, content: bytes, line: int) -> None:
    with pytest.raises(ProgramFailed, match=rf"own\.env, line {line}: write NAME=value") as error:
        take(content)

    assert str(tmp_path) in str(error.value)
    assert "A" not in os.environ


def test_what_is_no_text_is_one_sentence(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramFailed, match="cannot read"):
        take(b"A=\xff\xfe")
    monkeypatch.setenv("RTE_ENV_FILE", str(tmp_path))
    with pytest.raises(ProgramFailed, match="cannot read"):
        take_env_file()


def test_the_environment_wins_and_the_report_names_variables_never_values(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B", "as it was")

    report = take(b"A=secret1\nB=secret2\nC=\nHOST=secret3\nPORT=1\nRTE_HOST=app.example.com")

    assert report is not None
    assert (os.environ["A"], os.environ["B"]) == ("secret1", "as it was")
    assert str(report).partition("own.env ")[2] == (
        "sets A; leaves B as the environment has it; cannot set HOST, PORT, RTE_HOST, which a stack chooses itself"
    )


def test_no_file_is_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", str(tmp_path / "none")):
        monkeypatch.setenv("RTE_ENV_FILE", name)
        assert take_env_file() is None


def test_every_command_takes_port_and_folder_from_the_file_and_up_says_so(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "own.env"
    file.write_text(f"RTE_PORT={stack.port}\nRTE_STACK_DIR='{stack.folder.path}'\nMETRICS_PORT=1\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTE_")}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rte_devstack", command],
            env=environment | {"RTE_ENV_FILE": str(file)},
            capture_output=True,
            text=True,
            check=False,
        )

    up, status, token = run("up"), run("status"), run("token")

    assert [done.returncode for done in (up, status, token)] == [0, 0, 0]
    said = "own.env sets RTE_PORT, RTE_STACK_DIR; cannot set METRICS_PORT, which a stack chooses itself"
    assert up.stdout.splitlines()[0].endswith(said)
    assert stack.origin in status.stdout
    assert len(token.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://localhost:3000", ["http://localhost:3000"]),
        (
            " http://LocalHost:3000/ , https://app.example.com:443,",
            ["http://localhost:3000", "https://app.example.com"],
        ),
        ("http://[::1]:5173", ["http://[::1]:5173"]),
        ("", ["http://default"]),
    ],
)
def test_origins_are_what_browsers_send(monkeypatch: pytest.MonkeyPatch, text: str, found: list[str]) -> None:
    monkeypatch.setenv("RTE_WEB_ORIGINS", text)

    assert origins("RTE_WEB_ORIGINS", "http://default") == found


@pytest.mark.parametrize(
    "text",
    ["*", "localhost:3000", "http://localhost:3000/app", "ftp://host", "http://", "http://a:99999", "a b"],
)
def test_what_is_no_origin_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RTE_WEB_ORIGINS", f"http://localhost:3000,{text}")

    with pytest.raises(ProgramFailed) as error:
        origins("RTE_WEB_ORIGINS", "")

    assert repr(text) in str(error.value)
