"""Several worker processes on one port: one process uses one core, and sockets are spread over them by the kernel."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from rte_realtime_gateway.settings import Settings

log = structlog.get_logger(__name__)

LISTENER, PARENT = "RTE_WORKER_LISTENER", "RTE_WORKER_PARENT"
"""Environment of a worker: the file numbers of its listening socket, and of a pipe that ends with its parent."""
RESTART_SECONDS = 1.0
"""Seconds until a worker that died is replaced."""
STOPS = (signal.SIGTERM, signal.SIGINT)


def listener_of_worker() -> int | None:
    """The listening socket's number if this process is a worker, which from now on ends with its parent."""
    if LISTENER not in os.environ:
        return None
    threading.Thread(target=_end_with_parent, args=(int(os.environ[PARENT]),), daemon=True).start()
    return int(os.environ[LISTENER])


def _end_with_parent(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


class Workers:
    """Supervisor of the workers: replaces those that die, stops all when told to. Metrics ports follow METRICS_PORT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A socket for each, on the same port: the kernel spreads connections evenly (SO_REUSEPORT).
        self._listeners = [self._listen() for _ in range(settings.workers)]
        self._pipe, self._pipe_end = os.pipe()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._restart_at: dict[int, float] = {}
        self._stopping = False
        self._worst = 0

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((self._settings.host, self._settings.port))
        listener.listen(2048)
        return listener

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; returns the exit code."""
        with _signals() as signals:
            for index in range(self._settings.workers):
                self._start(index)
            while self._running or self._restart_at:
                self._take(signals)
                self._note_deaths()
                self._start_due()
        return self._worst

    def _take(self, signals: socket.socket) -> None:
        """Wait for signals, or until a worker is due; pass on those that stop."""
        due = min(self._restart_at.values(), default=None)
        signals.settimeout(None if due is None else max(due - time.monotonic(), 0.001))
        with suppress(TimeoutError):
            for number in signals.recv(64):
                if number in STOPS:
                    self._stop()

    def _stop(self) -> None:
        """Once, to drain; again, to end the drain."""
        self._stopping = True
        self._restart_at.clear()
        for worker in self._running.values():
            worker.send_signal(signal.SIGTERM)

    def _note_deaths(self) -> None:
        for index, worker in list(self._running.items()):
            if worker.poll() is None:
                continue
            del self._running[index]
            if not self._stopping:
                log.warning("worker_died", worker=index, pid=worker.pid, exit_code=worker.returncode)
                self._restart_at[index] = time.monotonic() + RESTART_SECONDS
            elif worker.returncode != -signal.SIGTERM:  # with that it was told to stop before it had begun to serve
                self._worst = max(self._worst, abs(worker.returncode))

    def _start_due(self) -> None:
        for index, due in list(self._restart_at.items()):
            if due <= time.monotonic():
                del self._restart_at[index]
                self._start(index)

    def _start(self, index: int) -> None:
        listener = self._listeners[index].fileno()
        metrics_port = self._settings.metrics_port
        self._running[index] = subprocess.Popen(
            [sys.executable, "-c", "from rte_realtime_gateway.main import main; main()"],
            env={
                **os.environ,
                LISTENER: str(listener),
                PARENT: str(self._pipe),
                # 0 means any free port, for each of them.
                "METRICS_PORT": str(metrics_port and metrics_port + index),
            },
            pass_fds=[listener, self._pipe],
            # Ctrl-C reaches the whole group of the terminal: told twice, a worker would not drain.
            process_group=0,
        )


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Signals as bytes to read, one after the other: a handler could run while a worker is being started."""
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno())
        for number in (*STOPS, signal.SIGCHLD):
            signal.signal(number, lambda number, frame: None)
        yield reading
        signal.set_wakeup_fd(-1)
