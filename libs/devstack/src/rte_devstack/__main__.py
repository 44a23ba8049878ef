"""`rte-devstack`, behind `make up`, `down`, `reset`, `status`, `token`, `watch` and `logs`."""

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from rte_devstack.environment import EnvFile, take_env_file
from rte_devstack.folder import Folder, ProcessMark, State
from rte_devstack.program import POLL_SECONDS, ProgramFailed, last_words
from rte_devstack.services import Parts
from rte_devstack.stack import Stack, end_leftovers
from rte_devstack.terminal import progress, show, tell

STOP_SECONDS = 60


def main() -> None:
    """Run one command; a failure is one line on stderr and exit code 1."""
    options = _arguments()
    try:
        options.env_file = take_env_file()
        options.command(options)
    except ProgramFailed as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def up(options: argparse.Namespace) -> None:
    """Start everything, and stay until Ctrl-C unless it runs already or `--detach` is given."""
    folder = Folder.chosen()
    folder.open()
    env_file: EnvFile | None = options.env_file
    if env_file and str(env_file):
        tell(str(env_file))
    with folder.lock() as free:
        if free and not options.detach:
            parts = Parts(folder, _port())
            stack = Stack(folder, parts.steps(), port=parts.port, ports=parts.ports, tell=tell)
            stack.run(progress, lambda: _greet(parts, stack.state))
            return
    if free:
        _start_detached(folder)
        _follow(folder, lambda: last_words(folder.log("devstack")).removeprefix("error: "))
    else:
        _follow(folder, lambda: "what ran here has stopped; try again")


def down(_: argparse.Namespace) -> None:
    """Stop everything."""
    folder = Folder.chosen()
    if not folder.path.exists():
        return
    if state := folder.running():
        with progress("stopping"):
            _stop(state.supervisor)
    end_leftovers(folder, tell)
    folder.forget_state()


def _stop(supervisor: ProcessMark) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    if process := supervisor.find():
        process.terminate()
    while supervisor.find():
        if time.monotonic() > deadline:
            raise ProgramFailed(f"process {supervisor.pid} does not stop: end it with kill -9, then `make down` again")
        time.sleep(POLL_SECONDS)


def reset(options: argparse.Namespace) -> None:
    """Stop everything and delete the stack's data, logs and secrets."""
    down(options)
    Folder.chosen().empty()


def status(_: argparse.Namespace) -> None:
    """Show what runs; exit code 1 when nothing does."""
    state = _running()
    show(Parts(Folder.chosen(), state.port), state)


def migrate(_: argparse.Namespace) -> None:
    """Bring the running stack's database to the newest schema."""
    Parts(Folder.chosen(), _running().port).migrate()


def token(options: argparse.Namespace) -> None:
    """Print a session token of a demo member, and nothing else."""
    asked = {"member": options.member, "lifetime": options.lifetime, "organization": options.org}
    clerk = urlsplit(Parts(Folder.chosen(), _running().port).url("clerk"))
    with contextlib.closing(http.client.HTTPConnection(clerk.hostname or "", clerk.port, timeout=10)) as connection:
        try:
            body = json.dumps({name: value for name, value in asked.items() if value is not None})
            connection.request("POST", "/devstack/tokens", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
        except OSError as error:
            raise ProgramFailed(f"the Clerk stand-in does not answer ({error}): see `make logs`") from error
        content = json.loads(answer.read())
    if answer.status != 200:
        raise ProgramFailed(f"no token for {options.member}: {content['errors'][0]['message']}")
    print(content["token"])


def watch(options: argparse.Namespace) -> None:
    """Print what happens in a demo member's team as it happens; Ctrl-C ends it."""
    parts = Parts(Folder.chosen(), _running().port)
    from rte_devstack.watch import follow_team  # its libraries would cost every other command half a second

    follow_team(parts, options.member)


def logs(options: argparse.Namespace) -> None:
    """Follow the logs of all parts, or of those named; Ctrl-C ends it."""
    folder = Folder.chosen()
    files = [folder.log(name) for name in options.part] or sorted(folder.log("").glob("*.log"))
    missing = [file.name for file in files if not file.exists()]
    if missing or not files:
        raise ProgramFailed(f"no log {', '.join(missing)} in {folder.log('')}")
    os.execvp("tail", ["tail", "-n", str(options.lines), *(["-F"] if options.follow else []), "--", *map(str, files)])  # noqa: S606


def _greet(parts: Parts, state: State) -> None:
    show(parts, state)
    tell("everything runs; Ctrl-C stops it")


def _start_detached(folder: Folder) -> None:
    command = [sys.executable, "-m", "rte_devstack", "up"]
    with folder.log("devstack").open("ab") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    mark = ProcessMark.of(child.pid)
    while mark.find() and not folder.running():
        time.sleep(POLL_SECONDS)


def _follow(folder: Folder, why_it_stopped: Callable[[], str]) -> None:
    """Show how another process starts the stack, then what runs where."""
    for phase in _phases(folder):
        with progress(phase):
            while (state := folder.running()) and not state.ready and state.phase == phase:
                time.sleep(POLL_SECONDS)
    state = folder.running()
    if state is None:
        raise ProgramFailed(why_it_stopped())
    show(Parts(folder, state.port), state)


def _phases(folder: Folder) -> Iterator[str]:
    while (state := folder.running()) and not state.ready:
        yield state.phase


def _running() -> State:
    state = Folder.chosen().running()
    if state is None:
        raise ProgramFailed("nothing runs: start it with `make up`")
    return state


def _port() -> int:
    given = os.environ.get("RTE_PORT", "8080")
    if not given.isdecimal() or not 0 < int(given) < 65500:
        raise ProgramFailed(f"RTE_PORT is {given!r}, but must be a port below 65500")
    return int(given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rte-devstack", description="Everything external on one machine.")
    commands = parser.add_subparsers(required=True)

    def add(name: str, command: object, description: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=description)
        sub.set_defaults(command=command)
        return sub

    add("up", up, "start everything").add_argument("--detach", action="store_true", help="return once it runs")
    add("down", down, "stop everything")
    add("reset", reset, "stop everything and delete the data")
    add("status", status, "what runs where")
    add("migrate", migrate, "bring the database to the newest schema")
    for_token = add("token", token, "print a session token")
    for_token.add_argument("--member", default="alex", help="id, e-mail address or first name")
    for_token.add_argument("--lifetime", type=float, help="seconds; Clerk's 60 by default")
    for_token.add_argument("--org", help="id or slug of the active organization")
    for_watch = add("watch", watch, "print what happens in a team")
    for_watch.add_argument("--member", default="alex", help="id, e-mail address or first name")
    for_logs = add("logs", logs, "follow the logs")
    for_logs.add_argument("part", nargs="*", help="api, nats, ...; all by default")
    for_logs.add_argument("--lines", type=int, default=20, help="how many old lines of each")
    for_logs.add_argument("--no-follow", dest="follow", action="store_false", help="print and return")
    return parser.parse_args()


if __name__ == "__main__":
    main()
