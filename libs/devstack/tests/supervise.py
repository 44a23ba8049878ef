"""Run by test_supervisor.py and test_start.py: the supervisor in a process of its own, with tiny programs.

Arguments: the folder, the ports as JSON {user: port}, and each step as JSON {program: Python source}. A program is
ready once its log has a line `began <its pid>`.
"""

import json
import sys
from contextlib import nullcontext
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
steps = [
    Step(f"step {number}", [Tiny(folder, name, source) for name, source in json.loads(step).items()])
    for number, step in enumerate(sys.argv[3:])
]
try:
    Supervisor(folder, steps, port=8080, ports=json.loads(sys.argv[2]), tell=tell).run(
        lambda title: nullcontext(), lambda: tell("started")
    )
except ProgramFailed as error:
    sys.exit(f"error: {error}")
