"""`make up` and `make start`: the supervisor in this process, or in one of its own that is followed until all runs."""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rte_devstack import disk, ports
from rte_devstack.environment import EnvFile
from rte_devstack.folder import Folder, State
from rte_devstack.hints import make
from rte_devstack.log_lines import reason
from rte_devstack.program import POLL_SECONDS, ProgramFailed
from rte_devstack.stack import Stack
from rte_devstack.supervisor import Supervisor
from rte_devstack.terminal import progress, show, tell


def up(options: argparse.Namespace) -> None:
    """Start everything, and stay until Ctrl-C unless it runs already or `--detach` is given."""
    folder = Folder.chosen()
    try:
        port = ports.chosen()
    except ValueError as error:
        raise ProgramFailed(str(error)) from error
    folder.open()
    env_file: EnvFile | None = options.env_file
    if env_file and str(env_file):
        tell(str(env_file))
    with folder.lock() as free:
        if free:
            if missing := disk.shortage(folder.path):
                raise ProgramFailed(f"{missing}: free some, or choose another RTE_STACK_DIR")
            if not options.detach:
                stack = Stack(folder, port)
                supervisor = Supervisor(folder, stack.steps(), port=stack.port, ports=stack.ports, tell=tell)
                supervisor.run(progress, lambda: _greet(stack, supervisor.state))
                return
    try:
        if free:
            start_detached(folder, [sys.executable, "-m", "rte_devstack", "up", "--no-doctor"])
        else:
            _follow(folder, lambda: "what was starting here has failed or was stopped: see its terminal, or try again")
    except KeyboardInterrupt:
        tell(f"the start goes on without this terminal: {make('status')} shows it, {make('down')} ends it")
        raise
    state = folder.running()
    if state is None:
        raise ProgramFailed("it has stopped again")
    show(Stack(folder, state.port), state)


def start_detached(folder: Folder, command: list[str]) -> None:
    """Run the supervisor in the background, and return once all is ready; ProgramFailed with its own error if not."""
    log = folder.log("devstack")
    with log.open("ab") as output:
        began = output.tell()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    while child.poll() is None and not folder.running():
        time.sleep(POLL_SECONDS)
    _follow(folder, lambda: _why_it_ended(child, log, began))


def _why_it_ended(child: subprocess.Popen[bytes], log: Path, began: int) -> str:
    # The supervisor takes its state back before it says why: only when it has ended, all is said.
    if child.wait() == 0:
        return "it was stopped before all was started"
    with log.open("rb") as file:
        file.seek(began)
        said = file.read().decode(errors="replace")
    _, *errors = re.split("^error: ", said, flags=re.MULTILINE)
    if errors:
        return errors[-1].strip()
    return disk.full(log.parent) or reason(said)  # with no room it could not even say so


def _follow(folder: Folder, why_it_stopped: Callable[[], str]) -> None:
    """Show how another process starts the stack, until all runs."""
    for phase in _phases(folder):
        with progress(phase):
            while (state := folder.running()) and not state.ready and state.phase == phase:
                time.sleep(POLL_SECONDS)
    if folder.running() is None:
        raise ProgramFailed(why_it_stopped())


def _phases(folder: Folder) -> Iterator[str]:
    while (state := folder.running()) and not state.ready:
        yield state.phase


def _greet(stack: Stack, state: State) -> None:
    show(stack, state)
    tell("everything runs; Ctrl-C stops it")
