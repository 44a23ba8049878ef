"""Several worker processes on one port: one process uses one core, and sockets are spread over them by the kernel."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import FrameType

import structlog

from rte_realtime_gateway.settings import Settings

log = structlog.get_logger(__name__)

LISTENER, PARENT = "RTE_WORKER_LISTENER", "RTE_WORKER_PARENT"
"""Environment of a worker: the file numbers of its listening socket, and of a pipe that ends with its parent."""
RESTART_SECONDS = 1.0


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
    """Starts the workers, replaces those that die, and stops all when told to. Metrics ports follow METRICS_PORT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A socket for each, on the same port: the kernel spreads connections evenly (SO_REUSEPORT).
        self._listeners = [self._listen() for _ in range(settings.workers)]
        self._pipe, self._pipe_end = os.pipe()
        self._running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}
        self._stopping = False

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((self._settings.host, self._settings.port))
        listener.listen(2048)
        return listener

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for index in range(self._settings.workers):
            self._start(index)
        worst = 0
        while self._running:
            pid, status = os.wait()
            index, worker = self._running.pop(pid)
            worker.returncode = os.waitstatus_to_exitcode(status)
            if self._stopping:
                worst = max(worst, abs(worker.returncode))
                continue
            log.warning("worker_died", worker=index, pid=pid, exit_code=worker.returncode)
            time.sleep(RESTART_SECONDS)
            if not self._stopping:
                self._start(index)
        return worst

    def _start(self, index: int) -> None:
        listener = self._listeners[index].fileno()
        worker = subprocess.Popen(
            [sys.executable, "-c", "from rte_realtime_gateway.main import main; main()"],
            env={
                **os.environ,
                LISTENER: str(listener),
                PARENT: str(self._pipe),
                "METRICS_PORT": str(self._settings.metrics_port + index),
            },
            pass_fds=[listener, self._pipe],
        )
        self._running[worker.pid] = index, worker

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for _, worker in self._running.values():
            worker.send_signal(number)
