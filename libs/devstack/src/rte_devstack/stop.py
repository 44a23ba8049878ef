"""`make down` and `make reset`: stop everything; delete what the stack keeps."""

import argparse
import os
import sys
import time
from pathlib import Path

from rte_devstack.disk import MEGABYTE
from rte_devstack.folder import DATA, FILES, Folder, ProcessMark
from rte_devstack.program import POLL_SECONDS, ProgramFailed
from rte_devstack.supervisor import end_leftovers
from rte_devstack.terminal import progress, tell

STOP_SECONDS = 60


def down(_: argparse.Namespace) -> None:
    """Stop everything, and say what that was."""
    folder = Folder.chosen()
    count = _stop(folder)
    print(f"stopped {count} program{'s' * (count != 1)}" if count else "nothing ran")


def reset(options: argparse.Namespace) -> None:
    """Stop everything and delete the stack's data, logs and secrets; a person at a terminal is asked before."""
    folder = Folder.chosen()
    kept = [folder.path / name for name in (*DATA, *FILES) if (folder.path / name).exists()]
    if kept and folder.is_foreign():
        raise ProgramFailed(f"{folder.path} holds files of others and no stack: nothing was deleted")
    sizes = {file.name: _size(file) for file in kept}
    named = [f"{name} {size // MEGABYTE} MB" for name, size in sizes.items() if size >= MEGABYTE]
    what = f"{folder.path} ({', '.join(named) or f'{sum(sizes.values()) // 1000} kB'})"
    asked = kept and not options.yes and sys.stdin.isatty() and "CI" not in os.environ
    if asked and not _agreed(f"This stops the stack and deletes {what}, with everything published. Go on? [y/N] "):
        raise ProgramFailed("nothing was stopped or deleted")
    down(options)
    if not kept:
        print(f"nothing to delete at {folder.path}")
        return
    folder.empty()
    print(f"deleted {what}")


def _stop(folder: Folder) -> int:
    """Stop what runs in `folder`, and return how many programs that were."""
    known = folder.state()
    if known is None:
        return 0
    count = sum(mark.find() is not None for mark in known.programs.values())
    if state := folder.running():
        with progress("stopping"):
            _end(state.supervisor)
    end_leftovers(folder, tell)
    folder.clear_state()
    return count


def _end(supervisor: ProcessMark) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    if process := supervisor.find():
        process.terminate()
    while supervisor.find():
        if time.monotonic() > deadline:
            raise ProgramFailed(f"process {supervisor.pid} does not stop: end it with kill -9, then `make down` again")
        time.sleep(POLL_SECONDS)


def _size(file: Path) -> int:
    """Bytes on the disk, of a folder with all that is in it."""
    total = 0
    for folder, _, names in os.walk(file) if file.is_dir() else [(file.parent, (), [file.name])]:
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:  # the stack may still run
                continue
    return total


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False
