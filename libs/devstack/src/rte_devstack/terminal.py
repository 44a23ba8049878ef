"""What a person at the terminal sees: progress while it takes time, then a table of what runs where."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from rte_devstack.folder import State
from rte_devstack.ports import HOST
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
    table = Table("part", "address", "metrics", "state", box=SIMPLE)
    addresses = {
        "traefik": parts.origin,
        "postgres": f"postgresql://{HOST}:{parts.ports['postgres']}/rte",
        "nats": parts.url("nats", "nats"),
        **{name: parts.url(name) for name in ("clerk", "storage", *SERVICES)},
    }
    for name, address in addresses.items():
        mark = state.programs.get(name)
        alive = "runs" if mark and mark.find() else "down"
        metrics = parts.ports.get(f"{name} metrics")
        table.add_row(name, address, f":{metrics}/metrics" if metrics else "", alive)
    console.print(table)
    # The host is localhost as in the origin: the sign-in page's cookie is for the host, whatever the port.
    sign_in = f"http://localhost:{parts.ports['clerk']}/sign-in"
    for label, text in {
        "open": f"{parts.origin} (the API's documentation until there is a web client)",
        "sign in": f"{sign_in}, or take a token: make token MEMBER=alex",
        "logs": f"{parts.folder.log('')}, or: make logs",
    }.items():
        console.print(f"  {label:<9}{text}", markup=False)
