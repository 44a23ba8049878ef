"""What the environment says about a stack, and the file `.env` in the repository's root, which adds to it.

RTE_PORT         the port that Traefik listens on (8080); the others follow it
RTE_STACK_DIR    the stack's folder (.devstack)
RTE_WEB_ORIGINS  origins of web clients, separated by commas, instead of Vite's
DEMO             live: the demo team acts while the stack runs (demo_live.py)
RTE_WEB_BUILD    no: serve the web client as it was built before, or none
RTE_ENV_FILE     another file than .env; set to nothing, none is read
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from rte_devstack.folder import REPOSITORY
from rte_devstack.program import ProgramFailed

DECIDED_HERE = {
    *("HOST", "PORT", "METRICS_PORT", "STATE_DIR", "MIGRATION_DATABASE_URL"),
    *("RTE_HOST", "RTE_BIND"),  # of deploy/compose, whose Traefik answers one host name only
}
"""Variables of the services and of deploy/compose that a stack chooses itself: in the file they mean nothing."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ORIGIN = re.compile(r"(?P<scheme>https?)://([a-z0-9_.-]+|\[[0-9a-f:]+\])(:(?P<port>\d{1,5}))?")


@dataclass
class EnvFile:
    """What became of each variable of an env file, by name; never a value."""

    name: str
    taken: list[str] = field(default_factory=list)
    overruled: list[str] = field(default_factory=list)
    """Those that the environment sets to something else, which wins."""
    ignored: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """The one line to show."""
        parts = {
            "sets {}": self.taken,
            "leaves {} as the environment has it": self.overruled,
            "cannot set {}, which a stack chooses itself": self.ignored,
        }
        said = [words.format(", ".join(names)) for words, names in parts.items() if names]
        return f"{self.name} {'; '.join(said)}" if said else ""


def take_env_file() -> EnvFile | None:
    """Add the variables of `.env` to this process's environment, which wins; None when there is no file.

    A blank value counts as not set. Raises ProgramFailed with file and line when it cannot be read.
    """
    name = os.environ.get("RTE_ENV_FILE", ".env")
    path = REPOSITORY / name
    if not name or not path.exists():
        return None
    report = EnvFile(name)
    for variable, value in _variables(path).items():
        if variable in DECIDED_HERE:
            report.ignored.append(variable)
        elif os.environ.get(variable, value) != value:
            report.overruled.append(variable)
        else:
            os.environ[variable] = value
            report.taken.append(variable)
    return report


def setting(name: str, default: str) -> str:
    """What the environment says, or `default` where it says nothing."""
    return os.environ.get(name) or default


def origins(name: str, default: str) -> list[str]:
    """The origins that a variable lists, as browsers write them; ProgramFailed names one that is none."""
    return [_origin(name, item.strip()) for item in setting(name, default).split(",") if item.strip()]


def _origin(name: str, text: str) -> str:
    found = ORIGIN.fullmatch(text.lower().removesuffix("/"))
    if found is None or int(found["port"] or 0) > 65535:
        raise ProgramFailed(f"{name} has {text!r}, but must be origins like http://localhost:3000, separated by commas")
    # Browsers leave out a scheme's own port.
    return found[0].removesuffix({"http": ":80", "https": ":443"}[found["scheme"]])


def _variables(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            bindings = list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ProgramFailed(f"cannot read {path}: {error}") from error
    for binding in bindings:
        if _broken(binding):
            raise ProgramFailed(f"{path}, line {_line(binding)}: write NAME=value, or # before a comment")
    last = {binding.key: binding.value for binding in bindings}
    return {name: value for name, value in last.items() if name and value}


def _broken(binding: Binding) -> bool:
    if binding.key is None:
        return binding.error  # else a comment or blank lines
    return binding.value is None or "\0" in binding.value or not NAME.fullmatch(binding.key)


def _line(binding: Binding) -> int:
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", before))
