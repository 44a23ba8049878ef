"""Run by test_supervisor.py and test_start.py: the supervisor in a process of its own, with tiny programs.

Arguments: the folder, the ports as JSON {user: port}, and each step as JSON {program: Python source}; the name
`note` stands for what the step says when it is done. A program is ready once its log has a line `began <its pid>`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from rte_devstack.folder import Folder
from rte_devstack.program import Program, ProgramFailed
from rte_devstack.supervisor import Step, Supervisor


class Tiny(Program):
    """A program of one line."""

    def __init__(self, folder: Folder, name: str, source: str) -> None:
        super().__init__(
            name, [sys.executable, "-c", source], log=folder.log(name), ready=self._has_begun, stop_seconds=2
        )

    def _has_begun(self) -> bool:
        return self.log.exists() and f"began {self.pid}\n" in self.log.read_text()


def tell(line: str) -> None:
    """Print for the test to read."""
    print(line, flush=True)


folder = Folder(Path(sys.argv[1]))
folder.open()


def steps() -> Iterator[Step]:
    """Make each when those before it are done."""
    for number, given in enumerate(sys.argv[3:]):
        programs: dict[str, str] = json.loads(given)
        note = programs.pop("note", None)
        tell(f"making step {number}")
        tiny = [Tiny(folder, name, source) for name, source in programs.items()]
        yield Step(f"step {number}", tiny, partial(str, note) if note else None)


try:
    Supervisor(folder, steps(), port=8080, ports=json.loads(sys.argv[2]), tell=tell).run(
        lambda title: nullcontext(), lambda: tell("started")
    )
except ProgramFailed as error:
    sys.exit(f"error: {error}")
