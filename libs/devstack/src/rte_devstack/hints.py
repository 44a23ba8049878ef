"""What to type: commands as they fit the stack that is meant, and the nearest of what there is.

make asks it too, before anything is installed: nothing but the library and syntax of Python 3.6.
"""

import difflib
import os
import shlex
import sys
from typing import Iterable

CHOOSING = ("RTE_PORT", "RTE_STACK_DIR")
"""The variables that choose one of several stacks."""


def make(command: str, **changed: str) -> str:
    """Return the `make` command for the stack of this environment, with `changed` variables in place of its own."""
    chosen = {name: changed.get(name) or os.environ.get(name) for name in CHOOSING}
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in chosen.items() if value), "make", command])


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """Say that there is no such thing, which one may have been meant, and which there are."""
    names = list(known)
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(given.casefold(), by_folded, n=1, cutoff=0.5)
    guess = f": did you mean {by_folded[near[0]]}?" if near else "."
    return f"there is no {what} {given!r}{guess} There are: {', '.join(names) or 'none'}"


if __name__ == "__main__":
    sys.exit(f"error: {unknown(sys.argv[1], sys.argv[2], sys.argv[3:])}")
