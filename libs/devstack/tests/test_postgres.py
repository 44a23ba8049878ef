"""The embedded PostgreSQL keeps its data, whoever starts it and wherever it lies."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from rte_devstack.postgres import NOBODY, Postgres, Version, let_in, psql
from rte_devstack.program import ProgramFailed


@pytest.fixture
def make(tmp_path: Path, reserve_port: Callable[[], int]) -> Callable[..., Postgres]:
    def make(version: Version = "18", *, durable: bool = False) -> Postgres:
        folder = tmp_path / "a folder"
        log = folder / "postgres.log"
        data = folder / "data"
        return Postgres(
            data, port=reserve_port(), password="it's 100% secret/", log=log, durable=durable, version=version
        )

    return make


@pytest.mark.parametrize("version", get_args(Version))
def test_it_starts_in_a_folder_with_a_blank(make: Callable[..., Postgres], version: Version) -> None:
    with make(version) as postgres:
        postgres.create_database("rte")
        assert psql(postgres.url(), "show server_version").startswith(version)


def test_committed_rows_survive_a_kill(make: Callable[..., Postgres]) -> None:
    with make(durable=True) as postgres:
        postgres.create_database("rte")
        psql(postgres.url(), "create table kept (n int); insert into kept select generate_series(1, 1000)")
        postgres.kill()
        postgres.start()
        assert psql(postgres.url(), "select count(*) from kept") == "1000"


def test_an_interrupted_initdb_is_done_again(make: Callable[..., Postgres]) -> None:
    postgres = make()
    unfinished = postgres.data.with_name("data.new")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with postgres:
        assert psql(postgres.url(database="postgres"), "select 1") == "1"


def test_each_role_needs_its_password(make: Callable[..., Postgres]) -> None:
    with make() as postgres:
        admin = postgres.url(database="postgres")
        psql(admin, "create role someone nologin")
        let_in(admin, {"someone": "o'clock"})
        assert psql(postgres.url("someone", "o'clock", "postgres"), "select current_user") == "someone"
        with pytest.raises(ProgramFailed, match="password authentication failed"):
            psql(postgres.url("someone", "guess", "postgres"), "select 1")


def test_open_connections_do_not_hold_up_a_stop(make: Callable[..., Postgres]) -> None:
    with make() as postgres:
        client = [str(postgres.bin / "psql"), "-X", "-c", "select pg_sleep(60)", postgres.url(database="postgres")]
        with subprocess.Popen(client, stderr=subprocess.DEVNULL) as sleeper:
            asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
            while psql(postgres.url(database="postgres"), asleep) == "0":
                pass
            postgres.stop()
            assert sleeper.wait(10) != 0
        assert postgres.exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can become somebody else")
def test_an_ordinary_user_starts_it_too(tmp_path: Path, reserve_port: Callable[[], int]) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    script = (
        "import sys; from pathlib import Path; from rte_devstack.postgres import Postgres, psql\n"
        "with Postgres(Path(sys.argv[1], 'data'), port=int(sys.argv[2]), password='p', durable=False,\n"
        "              log=Path(sys.argv[1], 'log')) as postgres:\n"
        "    print(psql(postgres.url(database='postgres'), 'select 1'))\n"
    )
    # The capability stands for what the user would have anyway: a way through the folders above this repository.
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    become += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    command = [*become, sys.executable, "-c", script, str(folder), str(reserve_port())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr


def test_root_without_setpriv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProgramFailed, match="install setpriv"):
        Postgres(tmp_path / "data", port=1, password="p", log=tmp_path / "log")
