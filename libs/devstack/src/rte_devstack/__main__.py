"""`rte-devstack`, behind `make up`, `down`, `reset`, `status`, `migrate`, `token`, `watch`, `logs` and `web-dev`."""

import argparse
import errno
import sys

from rte_devstack import doctor
from rte_devstack.environment import take_env_file
from rte_devstack.folder import Folder
from rte_devstack.logs import logs
from rte_devstack.postgres import psql
from rte_devstack.program import ProgramFailed
from rte_devstack.session_token import token
from rte_devstack.stack import Stack
from rte_devstack.start import up
from rte_devstack.stop import down, reset
from rte_devstack.supervisor import running
from rte_devstack.terminal import show

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
INTERRUPTED = 130


def main() -> None:
    """Run one command; a failure is an error on stderr and exit code 1."""
    options = _arguments()
    try:
        options.env_file = take_env_file()
        options.command(options)
    except ProgramFailed as error:
        _fail(options, str(error))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _fail(options, f"cannot write {error.filename or Folder.chosen().path}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _fail(options: argparse.Namespace, message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    if options.doctor:
        doctor.print_bad(doctor.HERE, file=sys.stderr)
    sys.exit(1)


def status(_: argparse.Namespace) -> None:
    """Show what runs; exit code 1 when nothing does."""
    folder = Folder.chosen()
    state = running(folder)
    show(Stack(folder, state.port), state)


def watch(options: argparse.Namespace) -> None:
    """Print what happens in a demo member's team as it happens; Ctrl-C ends it."""
    folder = Folder.chosen()
    stack = Stack(folder, running(folder).port)
    from rte_devstack.watch import follow_team  # its libraries would cost every other command half a second

    follow_team(stack, options.member)


def migrate(_: argparse.Namespace) -> None:
    """Bring the running stack's database to the newest schema, and say from where."""
    folder = Folder.chosen()
    stack = Stack(folder, running(folder).port)
    before = _schema(stack)
    stack.migrate()
    after = _schema(stack)
    print(f"the schema is {after} already, the newest" if before == after else f"migrated from {before} to {after}")


def _schema(stack: Stack) -> str:
    if not psql(stack.postgres.url(), "select to_regclass('rte.alembic_version')"):
        return "nothing"
    return psql(stack.postgres.url(), "select version_num from rte.alembic_version") or "nothing"


def web_dev(_: argparse.Namespace) -> None:
    """Serve the web client with hot reload, against the running stack; Ctrl-C ends it."""
    folder = Folder.chosen()
    stack = Stack(folder, running(folder).port)
    stack.web_client.develop(stack.origin, stack.sign_in)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rte-devstack", description="Everything external on one machine.")
    parser.set_defaults(doctor=False)
    commands = parser.add_subparsers(required=True)

    def add(name: str, command: object, description: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=description)
        sub.set_defaults(command=command)
        return sub

    for_up = add("up", up, "start everything")
    for_up.set_defaults(doctor=True)
    for_up.add_argument("--detach", action="store_true", help="return once it runs")
    for_up.add_argument("--no-doctor", dest="doctor", action="store_false", help="after a failure tell its cause only")
    add("down", down, "stop everything")
    for_reset = add("reset", reset, "stop everything and delete the data")
    for_reset.add_argument("--yes", action="store_true", help="do not ask")
    add("status", status, "what runs where")
    add("migrate", migrate, "bring the database to the newest schema")
    for_token = add("token", token, "print a session token")
    for_token.add_argument("--member", default="alex", help="id, e-mail address or first name")
    for_token.add_argument("--lifetime", help="seconds; Clerk's 60 by default")
    for_token.add_argument("--org", help="id or slug of the active organization")
    for_watch = add("watch", watch, "print what happens in a team")
    for_watch.add_argument("--member", default="alex", help="id, e-mail address or first name")
    add("web-dev", web_dev, "the web client with hot reload")
    for_logs = add("logs", logs, "follow the logs")
    for_logs.add_argument("part", nargs="*", help="api, nats, ...; all by default")
    for_logs.add_argument("--lines", type=int, default=20, help="how many old lines of each")
    for_logs.add_argument("--no-follow", dest="follow", action="store_false", help="print and return")
    return parser.parse_args()


if __name__ == "__main__":
    main()
