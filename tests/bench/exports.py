"""What an export of 50,000 expectations costs jobs: `python tests/bench/exports.py`.

CPU time and resident memory of a process that makes one after the other against a real PostgreSQL; the bucket keeps
nothing. The first one of a process also pays for what is prepared once.
"""

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import structlog

from rte_common import database
from rte_common.process import COLLECT_AFTER
from rte_common.settings import DatabaseSettings
from rte_devstack.ports import reserved
from rte_devstack.postgres import Postgres, let_in, psql
from rte_jobs.exports import Exports

ROWS = 50_000
TIMES = 5
EXPORT = UUID("7b0f7f3e-6d56-4f0a-9d0e-6a1f5b2f7c11")
HISTORY = f"""
insert into users (id, name) values ('anna', 'Anna');
insert into expectations (team_id, user_id, title, is_done, done_at)
select 'default', 'anna', 'Finalize the marketing report ' || n, true, clock_timestamp()
from generate_series(1, {ROWS}) n;
analyze expectations;
"""


class Nowhere:
    """A storage that takes every file and keeps none."""

    def from_(self, bucket: str) -> "Nowhere":
        """The bucket."""
        return self

    async def upload(self, path: str, body: bytes, options: dict[str, str]) -> None:
        """Take a file."""


async def peak_while(work: Any) -> float:
    """Await `work`; the highest resident memory meanwhile, in MiB."""
    process, ended, peak = psutil.Process(), threading.Event(), 0

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        await work
    finally:
        ended.set()
        watcher.join()
    return peak / (1 << 20)


async def measure(jobs: str, admin: str, format_: str) -> None:
    """Make TIMES exports and print what each took."""
    gc.set_threshold(*COLLECT_AFTER)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    settings = DatabaseSettings.model_validate({"database_url": jobs})
    async with database.connect(settings, application_name="bench") as db:
        exports = Exports(db, Nowhere())  # type: ignore[arg-type]
        for _ in range(TIMES):
            asked = f"'{EXPORT}', 'default', 'anna', '{format_}'"
            await asyncio.to_thread(
                psql, admin, f"delete from exports; insert into exports (id, team_id, user_id, format) values ({asked})"
            )
            before = psutil.Process().memory_info().rss / (1 << 20)
            started = time.process_time()
            peak = await peak_while(exports.make(EXPORT))
            print(f"{format_:<8}{time.process_time() - started:>8.2f}{before:>12.0f}{peak:>12.0f}", flush=True)


def main() -> None:
    """Start a PostgreSQL of its own, and measure."""
    from rte_common import migrate  # not at the top: what it loads would count as memory of jobs

    print(f"{ROWS} rows, {TIMES} times each, {os.cpu_count()} cores")
    print(f"{'format':<8}{'CPU s':>8}{'MiB before':>12}{'MiB at most':>12}", flush=True)
    with tempfile.TemporaryDirectory() as folder, reserved() as port:
        data = Path(folder) / "postgres"
        with Postgres(data, port=port, password="bench", log=Path(folder) / "log", durable=False) as server:
            server.create_database("rte")
            migrate.upgrade(server.url())
            let_in(server.url(), {"rte_jobs": "bench"})
            psql(server.url(), HISTORY)
            for format_ in ("json", "csv"):  # each in a process of its own, so that none has the memory of another
                command = [sys.executable, __file__, server.url("rte_jobs"), server.url(), format_]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(measure(*sys.argv[1:]))
    else:
        main()
