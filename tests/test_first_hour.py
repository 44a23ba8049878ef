"""A stranger's clone works wherever it lies and whoever runs it: `make` alone brings it from nothing to an answer.

Each has a copy of this checkout without what was made in it, such as .venv, and an environment with nothing of the
caller's but what reaches the package index.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import rte_devstack
from rte_devstack.folder import REPOSITORY, delete
from rte_devstack.ports import PORTS, reserved_row
from rte_devstack.program import becoming

ODD = 'Präsentation 日本語 José\'s "q" $HOME %d #x \\b '
REACHES_THE_INDEX = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "npm_config_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
MADE_HERE = shutil.ignore_patterns(
    ".git", ".venv", ".devstack*", ".*_cache", "__pycache__", "node_modules", "dist", ".hypothesis"
)
SOMEBODY = 20_404
"""A user without a name, as in containers that run under any number."""
START_SECONDS = 600


@dataclass
class Clone:
    """A checkout of its own, who uses it, and how long it took until everything ran."""

    folder: Path
    port: int
    user: int | None = None
    environment: dict[str, str] = field(default_factory=lambda: {"RTE_WEB_BUILD": "no"})
    """Beside that of a stranger. The web client is left out unless that is what the test is about."""

    def make(self, *arguments: str, check: bool = True) -> str:
        """Run make as a stranger would; gives what it printed. A failure shows all of it."""
        environment = clean_environment() | {"RTE_PORT": str(self.port)} | self.environment
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
            **becoming(self.user),
        )
        assert done.returncode == 0 or not check, f"make {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def answers(self) -> None:
        """Bring it up from what is there, ask it who is asking, and stop it."""
        begun = time.monotonic()
        self.make("start")
        print(f"{self.folder}: runs after {time.monotonic() - begun:.0f} s")
        token = self.make("-s", "token", "MEMBER=alex").strip()
        assert len(token.split(".")) == 3
        command = ["curl", "-sS", "--noproxy", "*", "-H", f"Authorization: Bearer {token}"]
        command.append(f"http://localhost:{self.port}/api/v1/me")
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert json.loads(told)["name"] == "Alex Morgan"
        self.make("down")


def clean_environment() -> dict[str, str]:
    """What `env -i` leaves, with PATH, HOME, and what reaches the package index."""
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    wanted = (name for name in os.environ if name.startswith(REACHES_THE_INDEX) or name.lower() in PROXIES)
    return kept | {name: os.environ[name] for name in wanted}


@contextlib.contextmanager
def clone(folder: Path, **options: object) -> Iterator[Clone]:
    """A clone in `folder`, whose stack has ended afterwards."""
    with reserved_row(max(PORTS.values()) + 1) as port:
        made = Clone(folder, port, **options)  # type: ignore[arg-type]
        shutil.copytree(REPOSITORY, folder, ignore=MADE_HERE)
        try:
            yield made
        finally:
            made.make("down", check=False)


@pytest.fixture(scope="module")
def private() -> Iterator[Path]:
    """A folder that only who runs the tests may enter, as root's home and what `mktemp -d` makes."""
    folder = Path(tempfile.mkdtemp(prefix="rte-first-hour-"))
    assert folder.stat().st_mode & 0o777 == 0o700
    yield folder
    delete(folder)


@pytest.fixture(scope="module")
def odd_clone(private: Path) -> Iterator[Clone]:
    with clone(private / ODD / "clone ") as made:
        yield made


@pytest.mark.timeout(START_SECONDS)
def test_it_runs_in_a_private_folder_with_odd_letters(odd_clone: Clone) -> None:
    odd_clone.answers()


@pytest.mark.timeout(START_SECONDS)
def test_a_checkout_that_moved_is_set_up_anew_and_keeps_its_data(odd_clone: Clone, private: Path) -> None:
    odd_clone.make("setup")
    odd_clone.folder = odd_clone.folder.rename(private / "moved")
    assert "making .venv" in odd_clone.make("setup")
    odd_clone.answers()


@pytest.mark.nightly
@pytest.mark.timeout(START_SECONDS)
def test_the_web_client_is_built_in_such_a_folder_with_a_node_of_its_own(private: Path) -> None:
    too_old = private / "an old Node"
    too_old.mkdir()
    for name in ("node", "npm"):
        (too_old / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (too_old / name).chmod(0o755)
    node_can = private / ODD.replace("\\", "") / "with a page"
    with clone(node_can, environment={"PATH": f"{too_old}:{os.environ['PATH']}"}) as made:
        assert f"open     http://localhost:{made.port}\n" in made.make("start")
        page = ["curl", "-sS", "--fail", "--noproxy", "*", f"http://localhost:{made.port}/history"]
        assert 'id="config"' in subprocess.run(page, capture_output=True, text=True, check=True).stdout


ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    # In that folder a nats.py hides the package of that name.
    "a caller's own Python": {"PYTHONPATH": str(Path(rte_devstack.__file__).parent), "PYTHONHOME": "/nonexistent"},
    "pip that installs elsewhere": {"PIP_USER": "1", "PIP_TARGET": "/nonexistent"},
    "another database's variables": {"PGSSLMODE": "require", "PGOPTIONS": "-c search_path=x", "PGDATA": "/nonexistent"},
    "another language and zone": {"LC_ALL": "C", "LANG": "de_DE.ISO-8859-1", "TZ": "Asia/Kathmandu"},
    "a proxy for everything outside": {"ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"},
}


@pytest.mark.nightly
@pytest.mark.timeout(START_SECONDS)
@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_it_runs_in_the_environment_of(environment: Mapping[str, str], private: Path) -> None:
    with clone(
        Path(tempfile.mkdtemp(dir=private), "clone"), environment={"RTE_WEB_BUILD": "no", **environment}
    ) as made:
        made.answers()


@pytest.mark.nightly
@pytest.mark.timeout(START_SECONDS)
def test_it_runs_under_a_umask_that_lets_nobody_in(private: Path) -> None:
    before = os.umask(0o077)
    try:
        with clone(Path(tempfile.mkdtemp(dir=private), "clone")) as made:
            made.environment["UV_CACHE_DIR"] = str(private / "cache")  # where everything is private, too
            made.answers()
    finally:
        os.umask(before)


@pytest.mark.nightly
@pytest.mark.timeout(START_SECONDS)
def test_root_needs_no_setpriv(private: Path) -> None:
    programs = private / "programs without setpriv"
    programs.mkdir()
    for folder in os.environ["PATH"].split(":"):
        for program in Path(folder).glob("*"):
            if program.name != "setpriv" and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program)
    with clone(Path(tempfile.mkdtemp(dir=private), "clone"), environment={"PATH": str(programs)}) as made:
        made.answers()


@pytest.mark.nightly
@pytest.mark.timeout(START_SECONDS)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("home", ["a home", "none"])
def test_an_ordinary_user_without_a_name_runs_it_too(home: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="rte-first-hour-"))
    folder.chmod(0o755)
    try:
        with clone(folder / "their clone", user=SOMEBODY) as made:
            python = _python_of_everybody()
            made.environment |= {"PYTHON": python, "HOME": str(folder) if home == "a home" else "/nonexistent"}
            for path in (folder, *folder.rglob("*")):
                os.chown(path, SOMEBODY, SOMEBODY)
            made.answers()
    finally:
        delete(folder)


def _python_of_everybody() -> str:
    """A Python that can make a .venv and that other users can reach; the test's own may lie in a private folder."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        check = [python, "-c", "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))"]
        with contextlib.suppress(OSError):
            if subprocess.run(check, capture_output=True, check=False, **becoming(SOMEBODY)).returncode == 0:
                return python
    pytest.skip("no Python with venv that another user can reach: apt-get install python3-venv")
