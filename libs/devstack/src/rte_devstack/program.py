"""One child process: its command, its log, when it is ready, and how it ends."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict
from urllib.parse import urlsplit

from rte_devstack import disk
from rte_devstack.log_lines import reason

POLL_SECONDS = 0.02
LAST_BYTES = 65_536
"""Of a log that are looked at for a reason."""


class ProgramFailed(Exception):
    """A program cannot start, or has died; the message is what to show a person: a line, and what belongs below it."""


class Program:
    """A program that runs in its own process group and appends its output to `log`.

    `ready` is asked again and again after a start. As a context manager it is started, ready, and stopped at the end.
    `cwd` is the folder it runs in: relative names in its command and its configuration need no escapes.
    `user` is the id of the user it becomes, with no other group and no capability; only root can name one.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        start_seconds: float = 60.0,
        stop_seconds: float = 15.0,
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.ready = ready
        self.environment = environment
        self.cwd = cwd
        self.user = user
        self.stop_signal = stop_signal
        self.start_seconds = start_seconds
        self.stop_seconds = stop_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    @property
    def pid(self) -> int:
        """Process id, which is also the process group's."""
        if self._process is None:
            raise ProgramFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How the last process ended (negative: by that signal); None while it runs or before the first start."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def prepare(self) -> None:
        """Make what the program needs before each start; nothing unless a subclass says otherwise."""

    def launch(self) -> None:
        """Start the process without waiting until it is ready."""
        if self.running:
            return
        self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [*_ends_with_its_parent(self.stop_signal), *map(str, self.command)]
        with self.log.open("ab") as log:
            self._log_began = log.tell()
            try:
                self._process = subprocess.Popen(
                    command,
                    env=self.environment,
                    cwd=self.cwd,
                    **becoming(self.user),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C reaches the supervisor only, which stops things in order
                )
            except OSError as error:
                raise ProgramFailed(f"{self.name} cannot be started: {error}") from error

    def start(self) -> None:
        """Launch, and return once the program is ready."""
        self.launch()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return once it is ready; raise ProgramFailed when it dies or stays unready for `start_seconds`."""
        deadline = time.monotonic() + self.start_seconds
        while not self.ready():
            if not self.running:
                head = f"{self.name} stopped ({self.ending()}; log: {self.log})"
                raise ProgramFailed(explained(head, self.last_words()))
            if time.monotonic() > deadline or disk.full(self.log.parent):
                waited = self.start_seconds + time.monotonic() - deadline
                head = f"{self.name} is not ready after {waited:.0f} s (log: {self.log})"
                raise ProgramFailed(explained(head, self.last_words()))
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it politely, and after `stop_seconds` by force. Returns when it is gone."""
        self.ask_to_stop()
        self.finish()

    def ask_to_stop(self) -> None:
        """Send the signal that ends it, without waiting."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)

    def finish(self) -> None:
        """Wait until it has ended, and after `stop_seconds` end it by force."""
        if self._process is None:
            return
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and its children as `kill -9` does. Returns when it is gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # the whole group is gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ending(self) -> str:
        """How the last process ended, in a few words."""
        code = self.exit_code or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """Why the last process ended, from what it has logged."""
        return last_words(self.log, self._log_began)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Identity(TypedDict, total=False):
    """The arguments with which `subprocess` starts a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


def becoming(user: int | None) -> Identity:
    """How to start a program as `user` alone; as who asks, without one."""
    return Identity() if user is None else Identity(user=user, group=user, extra_groups=[])


def executable(name: str, package: str) -> Path:
    """A program that the wheel `package` puts beside this Python; ProgramFailed when it is not there."""
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise ProgramFailed(f"{name} is missing beside {sys.executable}: run `make setup` (it comes with {package})")
    return path


def answers(url: str) -> Callable[[], bool]:
    """A readiness check: does a GET of `url` answer 200 within a second?"""
    address = urlsplit(url)

    def answered() -> bool:
        # http.client, because urllib and httpx would ask the proxy of the caller's environment.
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=1)
        try:
            connection.request("GET", f"{address.path}?{address.query}")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return answered


def last_words(log: Path, since: int = 0) -> str:
    """The lines of a log that say why its program ended, of what was written from byte `since` on."""
    if not log.exists():
        return "nothing was logged"
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - LAST_BYTES))
        return reason(file.read().decode(errors="replace"))


def explained(what: str, why: str) -> str:
    """What happened, followed by its reason: on the same line, or below it when the reason has several."""
    return f"{what}: {why}" if "\n" not in why else f"{what}:\n{textwrap.indent(why, '    ')}"


@cache
def _ends_with_its_parent(stop_signal: signal.Signals) -> list[str]:
    # Linux sends the signal when the thread that started the program ends, however that ends. A first line only: the
    # supervisor's state file is what finds leftovers. Not preexec_fn, which is unsafe in a process with threads.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"] if setpriv else []
