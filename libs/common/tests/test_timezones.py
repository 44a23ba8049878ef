"""The zones that are taken are the same on every machine."""

import os
import subprocess
import sys

import pytest

from rte_common import timezones

NAMES = "from rte_common import timezones; print(*timezones.names())"


@pytest.mark.parametrize("name", ["Asia/Calcutta", "Europe/Kiev", "US/Eastern", "Europe/Lisbon", "UTC"])
def test_old_names_are_taken_though_the_system_has_no_zones(name: str) -> None:
    without = os.environ | {"PYTHONTZPATH": ""}
    known = subprocess.run(
        [sys.executable, "-c", NAMES], env=without, capture_output=True, text=True, check=True
    ).stdout

    assert name in known.split()


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "utc", ""])
def test_what_browsers_throw_on_is_not_taken(name: str) -> None:
    assert name not in timezones.names()
