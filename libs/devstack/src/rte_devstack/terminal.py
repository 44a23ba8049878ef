"""What a person at the terminal sees: progress while it takes time, then a table of what runs where."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from rte_devstack.folder import State
from rte_devstack.services import SERVICES, Parts

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
    console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)


def show(parts: Parts, state: State) -> None:
    """Print what runs where, and how to sign in."""
    table = Table("part", "address", "state", "log")
    addresses = {
        "traefik": parts.origin,
        "postgres": parts.postgres.url().replace(parts.secrets.postgres, "..."),
        "nats": parts.url("nats", "nats"),
        **{name: parts.url(name) for name in ("clerk", "storage", *SERVICES)},
    }
    for name, address in addresses.items():
        mark = state.programs.get(name)
        alive = "runs" if mark and mark.find() else "down"
        table.add_row(name, address, alive, str(parts.folder.log(name)))
    console.print(table, soft_wrap=False, width=max(console.width, 120), markup=False)
    console.print(f"Open     {parts.origin} (the API's documentation until there is a web client)", markup=False)
    console.print(f"Sign in  {parts.url('clerk')}/sign-in, or for a token: make token MEMBER=alex", markup=False)
