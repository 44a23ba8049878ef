"""The web client in `web/`: what it needs from npm, and its build, made when the sources have changed.

`python -m rte_devstack.web_client` does the same for the tests; with `install` it stops before the build.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from rte_devstack import node
from rte_devstack.folder import REPOSITORY
from rte_devstack.program import ProgramFailed

NOT_SOURCES = {"node_modules", "dist"}
UNFINISHED = ".dist-"
"""How the names of folders begin that a build has not yet made, or was interrupted in."""
INSTALL = (
    "npm",
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
ERROR = re.compile(r"(?:npm )?error:? (?!code |errno |syscall |during build|A complete log)(.+)", re.IGNORECASE)


class WebClient:
    """The npm package in `folder`; everything is made inside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built = folder / "dist"

    def is_there(self) -> bool:
        """Is there a build that can be served, be it an old one?"""
        return (self.built / "index.html").exists()

    def is_stale(self) -> bool:
        """Is there no build of these sources?"""
        return not self.is_there() or _text(self._built_from) != self._digest()

    def install(self, log: Path | None = None) -> None:
        """Have the packages of package-lock.json; ProgramFailed with the reason when they cannot be had."""
        with self._one_at_a_time():
            self._install(log)

    def build(self, log: Path | None = None) -> None:
        """Build, unless another process has just done it; ProgramFailed with the reason. `log` gets what npm says."""
        with self._one_at_a_time():
            if not self.is_stale():
                return
            self._install(log)
            for left in self.folder.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left, ignore_errors=True)
            # Under another name until it is whole: an interrupted build leaves the old one as it was.
            new = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
            try:
                self._build_into(new, log)
                if self.built.exists():
                    self.built.rename(new.with_name(f"{new.name}-old"))
                new.rename(self.built)
            finally:
                for left in (new, new.with_name(f"{new.name}-old")):
                    shutil.rmtree(left, ignore_errors=True)

    def _build_into(self, folder: Path, log: Path | None) -> None:
        digest = self._digest()  # before, so that what changes meanwhile is built the next time
        folder.chmod(0o755)
        self._run(["npm", "run", "build", "--", "--outDir", folder.name, "--emptyOutDir"], log)
        if not (folder / "index.html").exists():
            raise ProgramFailed(f"its build made no index.html in {folder}")
        (folder / self._built_from.name).write_text(digest)

    def develop(self, backend: str, config: Mapping[str, str | None]) -> NoReturn:
        """Become Vite's development server, whose page asks `backend` and is told `config`."""
        self.install()
        told = {"RTE_WEB_BACKEND": backend, "RTE_WEB_CONFIG": json.dumps(config)}
        os.chdir(self.folder)
        os.execvpe("npm", ["npm", "run", "dev"], {**node.environment(), **told})  # noqa: S606

    @property
    def _built_from(self) -> Path:
        return self.built / ".built-from"

    def _install(self, log: Path | None) -> None:
        if "\\" in str(self.folder):
            raise ProgramFailed("Node loads no modules from a folder with a backslash in its name")
        lock = self.folder / "package-lock.json"
        if not lock.exists():
            raise ProgramFailed(f"there is no {lock}")
        installed = self.folder / "node_modules" / ".installed-from"
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        if _text(installed) != digest:
            self._run(INSTALL, log)
            installed.parent.mkdir(exist_ok=True)
            installed.write_text(digest)

    def _run(self, command: Sequence[str], log: Path | None) -> None:
        with contextlib.ExitStack() as files:
            output = files.enter_context(log.open("ab")) if log else None
            began = output.tell() if output else 0
            # A session of its own, so that what npm has started can be ended with it.
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=node.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                code = process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if code != 0:
            words = " ".join(command[:3] if command[1] == "run" else command[:2])
            raise ProgramFailed(f"`{words}` failed: {_reason(log, began)}" if log else f"`{words}` failed")

    def _digest(self) -> str:
        """One for all that the build reads."""
        total = hashlib.sha256()
        for file in sorted(_sources(self.folder)):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{file.relative_to(self.folder)} {content}\n".encode(errors="surrogateescape"))
        return total.hexdigest()

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        try:
            with (self.folder / ".build.lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise ProgramFailed(f"{error.filename or self.folder}: {error.strerror}") from error


def _sources(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in NOT_SOURCES or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from (file for file in entry.rglob("*") if file.is_file())
        else:
            yield entry


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def _reason(log: Path, since: int) -> str:
    """The first error that a run has logged, else its last line, and where the rest is."""
    with log.open("rb") as file:
        file.seek(since)
        said = file.read().decode(errors="replace").strip()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines() or ["nothing was logged"]
    errors = (found[1] for line in lines if (found := ERROR.match(line.strip())))
    return f"{next(errors, lines[-1].strip())} (log: {log})"


def main() -> None:
    """Install, and build when the sources have changed; exit code 1 with a sentence when that fails."""
    client = WebClient(REPOSITORY / "web")
    try:
        if sys.argv[1:] == ["install"]:
            client.install()
        elif client.is_stale():
            print("building the web client", flush=True)
            client.build()
    except ProgramFailed as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
