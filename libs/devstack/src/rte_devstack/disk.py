"""Room on the disk: looked for before a start, and named when it runs out.

`make doctor` asks it too, before anything is installed: nothing but the library and syntax of Python 3.6.
"""

import os
from pathlib import Path

MEGABYTE = 1_000_000
NEEDED = 200 * MEGABYTE
"""Bytes for a new stack: its database alone takes 40 MB, and keeps its logs of changes."""
NEEDED_FILES = 3000
FULL, FULL_FILES = 5 * MEGABYTE, 10
"""Below these a stack that runs is about to fail."""


def shortage(path: Path, needed: int = NEEDED, files: int = NEEDED_FILES) -> str:
    """What is missing where `path` lies or will lie, in a sentence; empty when there is room enough."""
    place = next(each for each in (path, *path.parents) if each.exists())
    found = os.statvfs(place)
    if found.f_flag & os.ST_RDONLY:
        return f"disk: {place} cannot be written to, it is mounted read-only"
    if found.f_bavail * found.f_frsize < needed:
        return f"disk: {free_megabytes(place)} MB free at {place}, {needed // MEGABYTE} MB are needed"
    if found.f_files and found.f_favail < files:  # some file systems do not count them
        return f"disk: room for {found.f_favail} files (inodes) at {place}, {files} are needed"
    return ""


def free_megabytes(path: Path) -> int:
    """Room that is left on the disk of `path`, for who is not root."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize // MEGABYTE


def full(path: Path) -> str:
    """That nothing more can be written where `path` lies, in a sentence; empty while something can."""
    return shortage(path, FULL, FULL_FILES)
