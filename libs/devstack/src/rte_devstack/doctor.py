"""`make doctor`: what this machine has, and what it lacks, for running and testing the product.

It runs before anything is installed, on any Python from 3.6 on, so that it can say that one is too old: nothing but
Python's own library, and no newer syntax. `PYTHONPATH=libs/devstack/src python3 -m rte_devstack.doctor`.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, NamedTuple, TextIO, Tuple
from urllib.parse import urlsplit

from rte_devstack import disk as room  # a check here has that name

NEEDED_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4))
SETUP_BYTES = 1500 * room.MEGABYTE
"""What .venv and web/node_modules take, and pip while it fills the first."""
TEMPORARY_BYTES = 300 * room.MEGABYTE
"""What pip and the tests keep there for a while."""
FEW_FILES, VERY_FEW_FILES = 1024, 256
INDEX_SECONDS = 20
"""For pip to start and to ask twice; it waits two seconds for an answer."""
ASKED_FOR = "psutil"
"""A package that the product needs, and every index that can serve it has."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Finding(NamedTuple):
    """What a check found, in one sentence. `mark` is ok, note (only tests or comfort suffer) or bad."""

    mark: str
    sentence: str


def python() -> Finding:
    """Is this Python new enough, and can it make an environment?"""
    version = "Python {}.{}.{}".format(*sys.version_info[:3])
    if sys.version_info[:2] < NEEDED_PYTHON:
        newer = next(filter(shutil.which, NEWER_PYTHONS), None)
        advice = "make PYTHON=" + newer + " up" if newer else "install one, and name it: make PYTHON=python3.11 up"
        return Finding("bad", version + " is too old, 3.11 or newer is needed: " + advice)
    try:
        import ensurepip  # noqa: F401  # Debian leaves it out
        import venv  # noqa: F401
    except ImportError:
        return Finding("bad", version + " has no venv: apt-get install python{}.{}-venv".format(*sys.version_info[:2]))
    return Finding("ok", version + " with venv at " + sys.executable)


def folder() -> Finding:
    """Can this folder hold .venv and .devstack?"""
    names = {":": "a colon", "\n": "a line break"}
    names.update((letter, "letters that are not UTF-8") for letter in REPOSITORY if "\udc80" <= letter <= "\udcff")
    unfit = next((names[letter] for letter in REPOSITORY if letter in names), None)
    if unfit:
        return Finding(
            "bad", "a path with {} cannot hold .venv: move the clone away from {!r}".format(unfit, REPOSITORY)
        )
    if not os.access(REPOSITORY, os.W_OK):
        return Finding("bad", REPOSITORY + " cannot be written to: clone to a folder of your own")
    if os.statvfs(REPOSITORY).f_flag & getattr(os, "ST_NOEXEC", 0):
        return Finding("bad", REPOSITORY + " is mounted noexec, and .venv holds programs: move the clone")
    return Finding("ok", REPOSITORY)


def disk() -> Finding:
    """Is there room for what setup installs here, and for a stack's data?"""
    there_already = os.path.exists(os.path.join(REPOSITORY, ".venv", ".complete"))
    return _room(REPOSITORY, room.NEEDED if there_already else SETUP_BYTES)


def temporary() -> Finding:
    """Is there room for what pip and the tests keep for a while?"""
    try:
        return _room(tempfile.gettempdir(), TEMPORARY_BYTES)
    except OSError as error:
        return Finding("bad", "no folder for temporary files ({}): set TMPDIR".format(error.strerror))


def _room(place: str, needed: int) -> Finding:
    missing = room.shortage(Path(place), needed)
    if missing:
        return Finding("bad", missing.split(": ", 1)[1])
    return Finding("ok", "{} MB free at {}".format(room.free_megabytes(Path(place)), place))


def ports() -> Finding:
    """Are the stack's ports free, on 127.0.0.1 and ::1?"""
    if sys.version_info[:2] < NEEDED_PYTHON:
        return Finding("note", "not looked at, for want of a newer Python")
    from rte_devstack import ports

    try:
        first = ports.chosen()
    except ValueError as error:
        return Finding("bad", str(error))
    span = "{} to {}".format(first, first + max(ports.PORTS.values()))
    if _stack_runs_on(first):
        return Finding("ok", "the stack runs on " + span)
    found = [(first + distance, ports.obstacle(first + distance)) for distance in ports.PORTS.values()]
    taken = ["{} {}".format(port, problem) for port, problem in found if problem]
    if taken:
        more = " and {} more".format(len(taken) - 2) if len(taken) > 2 else ""
        return Finding(
            "bad", "; ".join(taken[:2]) + more + ": choose others with RTE_PORT={}".format(ports.another(first))
        )
    return Finding("ok", span + " are free")


def _stack_runs_on(port: int) -> bool:
    """Is it this clone's own stack that holds the ports?"""
    file = os.path.join(REPOSITORY, os.environ.get("RTE_STACK_DIR") or ".devstack", "state.json")
    try:
        with open(file, encoding="utf-8") as state:
            known = json.load(state)
        os.kill(known["supervisor"]["pid"], 0)
    except (OSError, ValueError, KeyError):
        return False
    return bool(known["port"] == port)


def open_files() -> Finding:
    """May a process open enough files? Each connection is one."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= FEW_FILES:
        return Finding("ok", "unlimited" if limit == resource.RLIM_INFINITY else "{} a process".format(limit))
    mark = "bad" if limit < VERY_FEW_FILES else "note"
    return Finding(mark, "{} a process are few: ulimit -n 4096".format(limit))


def index() -> Finding:
    """Does the package index answer that pip is told to use?"""
    pip = next((command for command in _pips() if _runs([*command, "--version"])[0] == 0), None)
    if pip is None:
        return Finding("note", "not asked: there is no pip before `make setup`")
    # Only a second try makes pip say what was wrong with the first.
    quiet = ["--disable-pip-version-check", "--no-color", "--no-input", "--retries=1", "--timeout=2"]
    code, said = _runs([*pip, "index", "versions", ASKED_FOR, *quiet], INDEX_SECONDS)
    name = _index_name(pip)
    if code == 0:
        return Finding("ok", name + " answers")
    if 'unknown command "index"' in said:
        return Finding("note", "not asked: this pip is too old to ask")
    return Finding("bad", name + " " + _index_problem(said))


def _pips() -> List[List[str]]:
    """Ways to run pip: installed, or out of the wheel from which Python makes new environments."""
    here = os.path.join(REPOSITORY, ".venv", "bin", "python")
    bundled = os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled", "pip-*.whl")
    wheels = [wheel for pattern in (bundled, "/usr/share/python-wheels/pip-*.whl") for wheel in glob.glob(pattern)]
    return [[here, "-m", "pip"], [sys.executable, "-m", "pip"], *([sys.executable, wheel + "/pip"] for wheel in wheels)]


def _index_name(pip: List[str]) -> str:
    code, said = _runs([*pip, "config", "get", "global.index-url"])
    # Only the host: a URL may hold a name and a password.
    host = urlsplit(os.environ.get("PIP_INDEX_URL") or (said.strip() if code == 0 else "")).hostname
    return "the package index {}".format(host) if host else "the package index"


def _index_problem(said: str) -> str:
    problems = [
        ("ProxyError", "is asked through a proxy that does not answer: see HTTPS_PROXY and pip's proxy"),
        ("SSLError", "shows a certificate that is not trusted: set PIP_CERT to your company's"),
        ("not a trusted or secure host", "is not HTTPS: use https, or name it in PIP_TRUSTED_HOST"),
        ("Retrying", "cannot be reached: `make setup` needs it, see pip's index-url and proxy"),
        ("No matching", "answers without {}: see pip's index-url and its credentials".format(ASKED_FOR)),
    ]
    silent = "does not answer within {} s: `make setup` needs it".format(INDEX_SECONDS)
    return next((problem for sign, problem in problems if sign in said), silent)


def _runs(command: List[str], seconds: float = 30) -> Tuple[int, str]:
    """Run a program for at most so long; its exit code and what it said."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        done = subprocess.run(command, timeout=seconds, **pipes)  # type: ignore[call-overload]
    except (OSError, subprocess.TimeoutExpired):
        return -1, ""
    return done.returncode, done.stdout.decode(errors="replace")


def database() -> Finding:
    """Who does PostgreSQL run as?"""
    if sys.version_info[:2] >= NEEDED_PYTHON:
        from rte_devstack.postgres_programs import identity
        from rte_devstack.program import ProgramFailed

        try:
            identity()
        except ProgramFailed as error:
            return Finding("bad", str(error))
    if os.geteuid() != 0:
        return Finding("ok", "PostgreSQL runs as you")
    return Finding("ok", "PostgreSQL refuses root, so it runs as an ordinary user")


def programs() -> Finding:
    """Are the programs there that the commands and the README use?"""
    missing = [name for name in ("make", "curl") if shutil.which(name) is None]
    if missing:
        mark = "bad" if "make" in missing else "note"
        return Finding(mark, "missing: {0}: apt-get install {0}".format(" ".join(missing)))
    return Finding("ok", "make and curl are there")


def node() -> Finding:
    """Is there a Node that can build the web client?"""
    if sys.version_info[:2] < NEEDED_PYTHON:
        return Finding("note", "not looked at, for want of a newer Python")
    from rte_devstack.node import version_in_path

    version = version_in_path()
    if version:
        return Finding("ok", "Node {} and npm".format(version))
    return Finding("note", "no Node 20.19, 22.12 or newer: the one of PyPI is installed when it is needed")


def chromium() -> Finding:
    """Can the tests look at pages?"""
    found = next(filter(shutil.which, CHROMIUM), None)
    return Finding("ok", found) if found else Finding("note", "missing: tests in a browser are skipped")


CHECKS = {
    "python": python,
    "folder": folder,
    "disk": disk,
    "temporary": temporary,
    "programs": programs,
    "ports": ports,
    "open files": open_files,
    "index": index,
    "database": database,
    "node": node,
    "chromium": chromium,
}
FOR_SETUP = ("python", "folder", "disk", "temporary", "index")
HERE = ("folder", "disk", "temporary", "ports", "open files")
"""Checks of what may keep a stack from running once all is installed; none of them takes long."""
FOR_TESTS = ("folder", "disk", "temporary", "open files")
GROUPS = {"setup": FOR_SETUP, "up": HERE, "test": FOR_TESTS}
MARKS = {"ok": ("✓", "ok  "), "note": ("!", "note"), "bad": ("✗", "BAD ")}


def print_bad(names: Tuple[str, ...], file: TextIO) -> None:
    """After a failure: print what is bad of the checks `names`, and nothing when all is well."""
    found = [(name, finding) for name, finding in _findings(names) if finding.mark == "bad"]
    if found:
        _print("make doctor says:", file)
    for name, finding in found:
        _print_row(name, finding, file)


def _findings(names: Tuple[str, ...]) -> List[Tuple[str, Finding]]:
    return [(name, CHECKS[name]()) for name in names]


def _print_row(name: str, finding: Finding, file: TextIO) -> None:
    plain = "utf" not in (file.encoding or "").lower()
    _print("{} {:<12}{}".format(MARKS[finding.mark][plain], name, finding.sentence), file)


def _print(text: str, file: TextIO) -> None:
    encoding = file.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)


def main() -> int:
    """Print the table; of `--bad GROUP` the bad lines only. Return 1 when something needed is bad."""
    if sys.argv[1:2] == ["--bad"]:
        print_bad(GROUPS[sys.argv[2]], sys.stderr)
        return 0
    bad = False
    for name in CHECKS:
        finding = CHECKS[name]()
        bad = bad or finding.mark == "bad"
        _print_row(name, finding, sys.stdout)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
