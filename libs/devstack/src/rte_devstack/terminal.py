"""What a person at the terminal sees: progress while it takes time, then a table of what runs where."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rte_devstack import disk
from rte_devstack.folder import State
from rte_devstack.hints import make
from rte_devstack.ports import HOST
from rte_devstack.stack import DEMO_LIVE, SERVICES, Stack

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[None]:
    """Surround what may take longer than two seconds: a spinner, or a plain line where the output is not a terminal."""
    begun = time.monotonic()
    if console.is_terminal:
        with console.status(title):
            yield
        console.print(f"{title}: {time.monotonic() - begun:.1f} s")
    else:
        console.print(title)
        yield


def tell(line: str) -> None:
    """Say one thing, in one line."""
    with contextlib.suppress(OSError):  # a full disk or a terminal that was closed must not end who watches the stack
        console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)


def discard_output() -> None:
    """Write nothing more, at the exit neither: whoever read the lines has had enough (`make logs | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(stack: Stack, state: State) -> None:
    """Print what runs where, and how to sign in."""
    table = Table("part", "address", "metrics", box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    addresses = {
        "traefik": stack.origin,
        "postgres": f"postgresql://{HOST}:{stack.ports['postgres']}/rte",
        "nats": stack.url("nats", "nats"),
        **{name: stack.url(name) for name in ("clerk", "storage", *SERVICES)},
    }
    down = [name for name in state.parts if (mark := state.programs.get(name)) is None or mark.find() is None]
    for name, address in addresses.items():
        if name in state.parts:
            shown = Text("down", "red") if name in down else address
            table.add_row(name, shown, str(stack.ports.get(f"{name} metrics", "")))
    console.print(table)
    console.print()
    # The host is localhost as in the origin: the sign-in page's cookie is for the host, whatever the port.
    for label, text in {
        "docs": f"{stack.origin}/api/docs",
        "sign in": f"http://localhost:{stack.ports['clerk']}/sign-in",
        **({"demo": "colleagues act every few seconds"} if DEMO_LIVE in state.programs else {}),
        "token": make("-s token MEMBER=alex"),
        "logs": make(f"logs PART={down[0]}" if down else "logs"),
        "stop": make("down"),
    }.items():
        console.print(f"{label:<9}{text}", style="dim", markup=False)
    for note in state.notes:
        console.print(note, style="yellow", markup=False)
    if low := disk.full(stack.folder.path):
        console.print(f"[red]{low}[/red]")
    what = "" if "web" in state.parts else " (the API's documentation)"
    console.print()
    console.print(f"{'open':<9}{stack.origin}{what}", style="bold", markup=False)
