"""The supervisor: starts programs in order, starts again what dies, stops all in reverse order."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import psutil

from rte_devstack import disk, hints
from rte_devstack.folder import Folder, ProcessMark, State
from rte_devstack.ports import another, obstacle
from rte_devstack.program import Program, ProgramFailed, explained

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
"""Seconds before a program that died is started again: doubled each time, up to the longest."""
HEALTHY_SECONDS = 60
"""A program that ran this long begins with the first pause again."""
LEFTOVER_SECONDS = 5
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Step:
    """Programs that start together, then what is done once they are ready.

    What `then` returns is a line for whoever looks at the stack.
    """

    title: str
    programs: Sequence[Program] = ()
    then: Callable[[], str | None] | None = None


@dataclass
class Watched:
    """A started program, and when it is due again after it died."""

    program: Program
    started: float
    deaths: int = 0
    due: float | None = None

    def next_pause(self) -> float:
        """How long to wait after the death that was just seen."""
        if time.monotonic() - self.started > HEALTHY_SECONDS:
            self.deaths = 0
        self.deaths += 1
        return min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2.0 ** (self.deaths - 1))


@dataclass
class AskedToStop:
    """Whether a signal to end has come. While watching it is looked at, because an exception that is raised in a
    destructor or callback would be lost; only the start, which may wait long, is interrupted by one."""

    now: bool = False
    watching: bool = False


class Supervisor:
    """All programs of one folder. `ports` names who needs which port; `tell` gets one line per event.

    `steps` may be a generator: it makes a step when those before it are done.
    """

    def __init__(
        self, folder: Folder, steps: Iterable[Step], *, port: int, ports: dict[str, int], tell: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self.steps = steps
        self._begun: list[Step] = []
        self.ports = ports
        self.tell = tell
        self.state = State(ProcessMark.of(os.getpid()), port)
        self._watched: list[Watched] = []
        self._asked_to_stop = AskedToStop()
        self._disk = ""

    def run(
        self, during: Callable[[str], contextlib.AbstractContextManager[None]], started: Callable[[], None]
    ) -> None:
        """Start everything, call `started`, and stay until SIGINT or SIGTERM; then stop everything.

        `during(title)` surrounds each step. Raises ProgramFailed when the start fails; nothing is left running then.
        """
        with _signals(self._asked_to_stop):
            try:
                self._take_over()
                for step in self.steps:
                    with during(step.title):
                        self._do(step)
                self.state.ready = True
                self._remember()
                self._asked_to_stop.watching = True
                started()
                self._watch()
            except KeyboardInterrupt:
                pass
            except (ProgramFailed, OSError) as error:
                if full := disk.full(self.folder.path):
                    raise ProgramFailed(f"{full}: {error}") from error
                raise
            finally:
                if self._asked_to_stop.now:
                    self.tell("stopping")
                self._stop()

    def _take_over(self) -> None:
        if before := self.folder.state():
            self.state.programs = before.programs  # still known if this process is killed while it ends them
        self.state.phase = "looking for free ports"
        self.folder.write_state(self.state)
        end_leftovers(self.folder, self.tell)
        self._check_ports()

    def _check_ports(self) -> None:
        for user, port in self.ports.items():
            if problem := obstacle(port):
                choice = f"free it, or choose others: {hints.make('up', RTE_PORT=str(another(self.state.port)))}"
                raise ProgramFailed(f"port {port}, which {user} needs, {problem}: {choice}")

    def _do(self, step: Step) -> None:
        self.state.phase = step.title
        self.state.parts += [program.name for program in step.programs]
        self._begun.append(step)
        self._remember()
        for program in step.programs:
            program.launch()
            self._watched.append(Watched(program, time.monotonic()))
            self._remember()
        for program in step.programs:
            program.wait_ready()
        if step.then and (note := step.then()):
            self.state.notes.append(note)

    def _watch(self) -> None:
        while not self._asked_to_stop.now:
            for watched in self._watched:
                if not watched.program.running:
                    self._revive(watched)
            self._watch_disk()
            time.sleep(0.1)

    def _watch_disk(self) -> None:
        now = disk.full(self.folder.path)
        if bool(now) != bool(self._disk):
            self.tell(f"{now}: what runs here fails until there is room" if now else "disk: there is room again")
        self._disk = now

    def _revive(self, watched: Watched) -> None:
        now = time.monotonic()
        if watched.due is None:
            pause = watched.next_pause()
            watched.due = now + pause
            died = f"{watched.program.name} died ({watched.program.ending()}), starting it again in {pause:g} s"
            self.tell(explained(died, watched.program.last_words()))
        elif now >= watched.due:
            watched.started, watched.due = now, None
            try:
                watched.program.launch()
                self._remember()
            except (ProgramFailed, OSError) as error:
                watched.due = now + watched.next_pause()
                self.tell(str(error))
                return
            self.tell(f"{watched.program.name} started again")

    def _remember(self) -> None:
        self.state.programs = {
            w.program.name: ProcessMark.of(w.program.pid) for w in self._watched if w.program.running
        }
        self.folder.write_state(self.state)

    def _stop(self) -> None:
        self.state.ready, self.state.phase = False, "stopping"
        try:
            self.folder.write_state(self.state)
        except OSError as error:  # on a full disk all the same what runs must stop
            self.tell(f"cannot note that the stack stops: {error}")
        started = {id(watched.program) for watched in self._watched}
        for step in reversed(self._begun):
            programs = [program for program in step.programs if id(program) in started]
            for program in programs:
                program.ask_to_stop()
            for program in programs:
                program.finish()
        self.folder.clear_state()


def running(folder: Folder) -> State:
    """Who runs in `folder`; ProgramFailed with how to start it when nobody does."""
    state = folder.running()
    if state is None:
        raise ProgramFailed(f"nothing runs: start it with `{hints.make('up')}`")
    return state


def end_leftovers(folder: Folder, tell: Callable[[str], None]) -> None:
    """End the programs that a killed supervisor has left running, and no other process."""
    state = folder.state()
    if state is None:
        return
    left = {name: process for name, mark in state.programs.items() if (process := mark.find())}
    if left:
        tell(f"ending what an earlier run has left: {', '.join(left)}")
    for name, process in reversed(left.items()):
        with contextlib.suppress(psutil.NoSuchProcess):
            # SIGTERM would have PostgreSQL wait for its clients.
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(left.values(), timeout=LEFTOVER_SECONDS)
    for process in stubborn:
        os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(stubborn)


@contextlib.contextmanager
def _signals(asked: AskedToStop) -> Iterator[None]:
    """The first signal to end counts; a second one must not cut the orderly stop short."""

    def note(number: int, frame: FrameType | None) -> None:
        for each in END_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        asked.now = True
        if not asked.watching:
            raise KeyboardInterrupt

    before = {each: signal.signal(each, note) for each in END_SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
