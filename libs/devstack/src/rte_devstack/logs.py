"""`make logs`: the lines of all parts in the order they come, readable in a terminal and untouched in a pipe."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from rte_devstack.folder import Folder
from rte_devstack.hints import make, unknown
from rte_devstack.log_lines import LogLine, parse
from rte_devstack.ports import PORTS
from rte_devstack.program import ProgramFailed
from rte_devstack.stack import DEMO_LIVE
from rte_devstack.terminal import discard_output

POLL_SECONDS = 0.2
READ_BYTES = 1_000_000
PARTS = (*(name for name in PORTS if " " not in name), DEMO_LIVE, "web-build", "migrate", "devstack")
PART_COLORS = (36, 32, 35, 34, 33, 96, 92, 95, 94, 93, 37)
LEVELS = {"debug": ("debug", "2"), "info": ("info", "2"), "warning": ("warn", "33"), "error": ("error", "31")}
LEVELS |= {"fatal": ("fatal", "1;31"), "detail": ("", "2")}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal would obey instead of showing it."""


def logs(options: argparse.Namespace) -> None:
    """Follow the logs of all parts, or of those named; Ctrl-C ends it."""
    folder = Folder.chosen()
    names = [name for given in options.part for name in given.split()]
    for name in names:
        if name not in PARTS:
            raise ProgramFailed(unknown("part", name, PARTS))
    if not any(folder.log("").glob("*.log")):
        raise ProgramFailed(f"there are no logs in {folder.path} yet: start it with `{make('up')}`")
    files = [LogFile(name, folder.log(name)) for name in names or PARTS]
    try:
        _write(files, _in_order([(file, line) for file in files for line in file.last(options.lines)]))
        while options.follow:
            time.sleep(POLL_SECONDS)
            _write(files, _in_order([(file, line) for file in files for line in file.new()]))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        discard_output()
    finally:
        for file in files:
            file.close()


class LogFile:
    """A part's log, which grows, is not there yet, or is replaced by a new one (`make reset`)."""

    def __init__(self, part: str, path: Path) -> None:
        self.part = part
        self.path = path
        self.changed = datetime.now(UTC)
        """When the last line was written."""
        self._open: FileIO | None = None
        self._unfinished = b""

    def last(self, count: int) -> list[bytes]:
        """The last `count` lines."""
        if self._replaced() and self._open:
            self._open.seek(max(0, self.path.stat().st_size - READ_BYTES))
        lines = self.new()
        return lines[-count:] if count else []

    def new(self) -> list[bytes]:
        """The whole lines that have come since, of a file that has taken the old one's place from its start."""
        lines = self._read()
        if self._replaced():
            lines += self._read()
        return lines

    def close(self) -> None:
        """Follow it no longer."""
        if self._open:
            self._open.close()

    def _read(self) -> list[bytes]:
        if self._open is None:
            return []
        if os.fstat(self._open.fileno()).st_size < self._open.tell():  # emptied where it is
            self._open.seek(0)
        read = self._open.read(READ_BYTES)
        self.changed = datetime.fromtimestamp(os.fstat(self._open.fileno()).st_mtime, UTC)
        *lines, self._unfinished = (self._unfinished + read).split(b"\n")
        return lines

    def _replaced(self) -> bool:
        """Open the file that has the name now, unless it is open. As long as one is, no new one gets its number."""
        try:
            if self._open and os.path.samestat(os.fstat(self._open.fileno()), self.path.stat()):
                return False
            file = self.path.open("rb", buffering=0)
        except (FileNotFoundError, NotADirectoryError):
            return False
        self.close()
        self._open, self._unfinished = file, b""
        return True


def _in_order(lines: Iterable[tuple[LogFile, bytes]]) -> list[tuple[LogFile, bytes, LogLine]]:
    """Sort by time; a line without one keeps its place below the line before it in its file."""
    parsed = [(file, raw, parse(raw.decode(errors="replace").rstrip("\r"))) for file, raw in lines]
    times: dict[str, datetime] = {}
    keys = [_time(times, file, line) for file, _, line in parsed]
    order = sorted(range(len(parsed)), key=keys.__getitem__)
    return [parsed[index] for index in order]


def _time(times: dict[str, datetime], file: LogFile, line: LogLine) -> datetime:
    if line.time:
        times[file.part] = line.time
    return times.get(file.part) or file.changed


def _write(files: list[LogFile], lines: list[tuple[LogFile, bytes, LogLine]]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.buffer.writelines(raw + b"\n" for _, raw, _ in lines)
        sys.stdout.buffer.flush()
        return
    color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    parts = [file.part for file in files]
    for file, _, line in lines:
        text = rendered(parts, file.part, line, color=color)
        sys.stdout.buffer.write(f"{text}\n".encode(sys.stdout.encoding, "backslashreplace"))
    sys.stdout.buffer.flush()


def rendered(parts: list[str], part: str, line: LogLine, *, color: bool) -> str:
    """A line as a person reads it: part, local time, level, words, and below them what has lines of its own."""

    def painted(text: str, codes: object) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if color else text

    level, codes = LEVELS.get(line.level, ("", "2"))
    name = painted(f"{part:<{max(map(len, parts))}}", PART_COLORS[parts.index(part) % len(PART_COLORS)])
    clock = painted(f"{line.time:%H:%M:%S}" if line.time else " " * 8, "2")
    words = CONTROL.sub(_shown, "\n".join(filter(None, [line.words, line.more]))).replace("\n", "\n    ")
    return f"{name} {clock} {painted(f'{level:<5}', codes)} {words}"


def _shown(control: re.Match[str]) -> str:
    return f"\\x{ord(control[0]):02x}"
