"""A command as somebody types it at a terminal: what it prints, line by line, and Ctrl-C."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rte_devstack.folder import REPOSITORY

PATIENCE_SECONDS = 60


class Terminal:
    """A shell that runs one command. What it printed so far stays in `lines`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._process = process
        self._news = threading.Condition()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def shows(self, text: str) -> str:
        """Wait until a line with `text` is there; returns it."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._news:
            line = self._news.wait_for(found, PATIENCE_SECONDS)
        assert line, f"{text!r} did not come; shown: {self.lines}"
        return line

    def interrupt(self) -> int:
        """Type Ctrl-C, and wait for the end; returns the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End what still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reading.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def typed(command: str, variables: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command in the repository, with these variables, while the block lasts."""
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=REPOSITORY,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    terminal = Terminal(process)
    try:
        yield terminal
    finally:
        terminal.close()


def output(command: str, variables: Mapping[str, str]) -> str:
    """Run commands to their end; returns what they printed on stdout."""
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=REPOSITORY,
        env=environment(variables),
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return done.stdout


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, but for what `make test` tells the makes below it, with `variables`."""
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    return {name: value for name, value in os.environ.items() if name not in outer} | dict(variables)
