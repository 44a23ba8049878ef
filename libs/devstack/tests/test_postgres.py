"""The embedded PostgreSQL keeps its data, whoever starts it and wherever it lies."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from rte_devstack.postgres import Postgres, let_in, psql
from rte_devstack.postgres_programs import NOBODY, Version, _bring_up_to_date, runnable
from rte_devstack.program import ProgramFailed

ODD = 'Präsentation 日本 José\'s "q" $HOME %d #x \\b '
"""A folder's name with every letter that some configuration or shell gives a meaning."""


@pytest.fixture
def make(tmp_path: Path, reserve_port: Callable[[], int]) -> Callable[..., Postgres]:
    def make(version: Version = "18", *, durable: bool = False) -> Postgres:
        folder = tmp_path / ODD
        folder.mkdir(mode=0o700, exist_ok=True)
        log = folder / "postgres.log"
        data = folder / "data"
        return Postgres(
            data, port=reserve_port(), password="it's 100% secret/", log=log, durable=durable, version=version
        )

    return make


@pytest.mark.parametrize("version", get_args(Version))
def test_it_starts_in_a_private_folder_with_odd_letters(make: Callable[..., Postgres], version: Version) -> None:
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


SCRIPT = """
import sys
from pathlib import Path
from rte_devstack.folder import delete
from rte_devstack.postgres import Postgres, psql

folder = Path(sys.argv[1], "data")
for _ in range(2):
    with Postgres(folder, port=int(sys.argv[2]), password="p", durable=False, log=Path(sys.argv[1], "log")) as postgres:
        print(psql(postgres.url(database="postgres"), "select 1"))
delete(folder)
print(folder.exists())
"""
WITHOUT_A_WAY_INTO_PRIVATE_FOLDERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
WITHOUT_BECOMING_ANYBODY = ("setpriv", "--bounding-set=-setuid,-setgid,-chown,-dac_override,-dac_read_search")
AS_AN_ORDINARY_USER = ("unshare", "--user", f"--map-user={NOBODY}")
"""The same rights to the files, under another number."""


@pytest.mark.skipif(os.geteuid() != 0, reason="root's rights are at stake")
@pytest.mark.parametrize(
    "become", [WITHOUT_A_WAY_INTO_PRIVATE_FOLDERS, WITHOUT_BECOMING_ANYBODY, AS_AN_ORDINARY_USER], ids=" ".join
)
def test_it_starts_with_few_rights(tmp_path: Path, reserve_port: Callable[[], int], become: tuple[str, ...]) -> None:
    if subprocess.run([*AS_AN_ORDINARY_USER, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine has no user namespaces")
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    command = [*become, sys.executable, "-c", SCRIPT, str(folder), str(reserve_port())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "1\n1\nFalse\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's server has no other rights than its own")
def test_root_s_server_has_no_capability(make: Callable[..., Postgres]) -> None:
    with make() as postgres:
        status = Path(f"/proc/{postgres.pid}/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    assert int(effective.split()[1], 16) == 0


def test_a_copy_of_the_programs_that_lost_a_file_gets_it_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "lib").mkdir(parents=True, mode=0o700)
    (source / "postgres").write_bytes(b"program")
    (source / "postgres").chmod(0o700)
    (source / "lib" / "plpgsql.so").write_bytes(b"library")
    _bring_up_to_date(source, target)
    (target / "lib" / "plpgsql.so").unlink()
    _bring_up_to_date(source, target)
    assert {path.name: oct(path.stat().st_mode)[-3:] for path in target.rglob("*")} == {
        "lib": "755",
        "plpgsql.so": "644",
        "postgres": "755",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's programs are always copied")
def test_programs_are_never_taken_from_a_folder_that_somebody_else_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    ours.mkdir()
    real = runnable("18").relative_to(runnable("18").parents[3])
    (theirs / real.parts[0]).mkdir(parents=True)
    os.chown(theirs / real.parts[0], NOBODY, NOBODY)
    monkeypatch.setattr("rte_devstack.postgres_programs.PUBLIC", (str(theirs), str(ours)))
    assert runnable.__wrapped__("18") == ours / real
