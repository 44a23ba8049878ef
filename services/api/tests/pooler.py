"""PgBouncer in transaction mode in front of a database, as Supavisor is in production."""

import os
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from rte_devstack.postgres_programs import NOBODY
from rte_devstack.program import Program

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
"""Debian puts it where ordinary users do not look."""


class PgBouncer(Program):
    """A pooler whose server connections are few, so that each transaction may get another one."""

    def __init__(self, folder: Path, port: int, database_url: str, roles: dict[str, str]) -> None:
        self._folder = folder
        self._port = port
        self._server = urlsplit(database_url)
        self._roles = roles
        super().__init__(
            "pgbouncer",
            [PROGRAM, "pgbouncer.ini"],
            log=folder.with_suffix(".log"),
            ready=self._accepts_connections,
            cwd=folder,
            user=NOBODY if os.geteuid() == 0 else None,  # it refuses root
        )

    def url(self, role: str) -> str:
        """Address under which the role logs in through the pooler."""
        return f"postgresql://{role}:{self._roles[role]}@127.0.0.1:{self._port}{self._server.path}"

    def prepare(self) -> None:
        """Write its configuration."""
        self._folder.mkdir(parents=True)
        if self.user is not None:
            os.chown(self._folder, self.user, self.user)
        (self._folder / "users.txt").write_text(
            "".join(f'"{role}" "{password}"\n' for role, password in self._roles.items())
        )
        (self._folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={self._server.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self._port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = users.txt\n"
            "pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n"
        )

    def _accepts_connections(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0
