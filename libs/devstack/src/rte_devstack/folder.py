"""A stack's private folder: its data, its logs, its secrets, and the state that survives a killed supervisor."""

import base64
import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from rte_devstack.json_files import read_json, write_json
from rte_devstack.program import ProgramFailed

REPOSITORY = Path(__file__).parents[4]
DATA = ("postgres", "postgres.new", "nats", "clerk", "storage", "traefik", "logs")
SECRETS, STATE, LOCK = "secrets.json", "state.json", "lock"
FILES = (STATE, f"{STATE}.new", LOCK, SECRETS, f"{SECRETS}.new")  # .new: what a full disk or a kill left


@dataclass(frozen=True)
class Secrets:
    """What the parts of one stack share; made once, kept in the folder."""

    postgres: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    rte_api: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    rte_auth_sync: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    rte_jobs: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    clerk_webhook: str = field(default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
    supabase_service: str = field(default_factory=lambda: "sb_secret_" + secrets.token_urlsafe(24))
    supabase_jwt: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    supabase_anon: str = field(default_factory=lambda: "sb_publishable_" + secrets.token_urlsafe(24))


@dataclass(frozen=True)
class ProcessMark:
    """A process that is recognized later, even when its id has gone to another one."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """The mark of a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process, unless it has ended."""
        try:
            process = psutil.Process(self.pid)
            # Within a second: the start is derived from the boot time, which moves when the clock is set.
            same = abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None


@dataclass
class State:
    """Who runs now, and how far the start has come."""

    supervisor: ProcessMark
    port: int
    phase: str = ""
    ready: bool = False
    programs: dict[str, ProcessMark] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    """Names of the programs that this run consists of, whether they live or not."""
    notes: list[str] = field(default_factory=list)
    """What whoever looks at the stack should know, a line each."""


class Folder:
    """The folder at `path`, private to the user who made it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def chosen(cls) -> "Folder":
        """What RTE_STACK_DIR says (default `.devstack`), relative to the repository."""
        return cls(REPOSITORY / (os.environ.get("RTE_STACK_DIR") or ".devstack"))

    def open(self) -> None:
        """Make the folder if it is missing; ProgramFailed with what to do when it cannot be used."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            foreign = self.is_foreign()
            owner = self.path.stat().st_uid
        except OSError as error:
            why = "it is no folder" if self.path.exists() and not self.path.is_dir() else error.strerror
            raise ProgramFailed(f"cannot use {self.path} ({why}): choose another RTE_STACK_DIR") from error
        if owner != os.geteuid():
            name = _name(owner)
            raise ProgramFailed(f"{self.path} belongs to {name}: run as {name}, or choose another RTE_STACK_DIR")
        if foreign:
            raise ProgramFailed(f"{self.path} holds files of others: choose another RTE_STACK_DIR")
        self.path.chmod(0o700)
        self.log("").mkdir(exist_ok=True)

    def is_foreign(self) -> bool:
        """Whether it holds files of others, and no stack."""
        names = {entry.name for entry in self.path.iterdir()}
        return SECRETS not in names and not names <= {*DATA, *FILES}

    def log(self, name: str) -> Path:
        """The log file of a program; of the empty name, the folder of all logs."""
        return self.path / "logs" / (f"{name}.log" if name else "")

    def secrets(self) -> Secrets:
        """The stack's secrets, made at the first call."""
        file = self.path / SECRETS
        known = read_json(file, {})
        result = Secrets(**known)
        if asdict(result) != known:
            write_json(file, asdict(result))
        return result

    def state(self) -> State | None:
        """The state that the last supervisor wrote; None when there is none."""
        state = read_json(self.path / STATE, None)
        if state is None:
            return None
        marks = {name: ProcessMark(**mark) for name, mark in state.pop("programs").items()}
        return State(supervisor=ProcessMark(**state.pop("supervisor")), programs=marks, **state)

    def write_state(self, state: State) -> None:
        """Remember `state`, all or nothing."""
        write_json(self.path / STATE, asdict(state))

    def clear_state(self) -> None:
        """Say that nothing runs."""
        (self.path / STATE).unlink(missing_ok=True)

    def running(self) -> State | None:
        """The state, when its supervisor is alive."""
        state = self.state()
        return state if state and state.supervisor.find() else None

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Hold the stack for this process; False when another one does. The kernel frees it however a process ends."""
        with (self.path / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def empty(self) -> None:
        """Delete what a stack keeps here, and nothing else."""
        for name in DATA:
            delete(self.path / name)
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody keeps other files here
            self.path.rmdir()


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in containers that run under any number
        return f"user {user}"


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, if it is there; PostgreSQL's, too, when root has another user run it."""
    if not folder.exists():
        return
    if os.geteuid() == 0:
        _take_over(folder)  # root reads the folders of others by a capability that containers may lack
    shutil.rmtree(folder)


def _take_over(folder: Path) -> None:
    os.chown(folder, os.geteuid(), -1)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            _take_over(Path(entry))
