"""What `make watch` says of a change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rte_devstack import news

NOW = datetime(2030, 1, 2, 9, tzinfo=UTC)
ROW = {"title": "Move billing", "estimated_completion": None, "is_done": False, "archived_at": None}


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        ({}, None, "David is on: Move billing"),
        ({"estimated_completion": "2030-01-02T17:00:00Z"}, None, "David is on: Move billing (by 17:00)"),
        ({"estimated_completion": "2030-01-04T17:00:00Z"}, None, "David is on: Move billing (by Fri 17:00)"),
        ({"estimated_completion": "2030-02-04T17:00:00Z"}, None, "David is on: Move billing (by 2030-02-04 17:00)"),
        ({"title": "Move it"}, {}, "David is now on: Move it, before: Move billing"),
        (
            {"estimated_completion": "2030-01-02T17:00:00Z"},
            {},
            "David changed the time of: Move billing (by 17:00, before: no time)",
        ),
        ({"is_done": True}, {}, "David finished: Move billing"),
        ({}, {"is_done": True}, "David is on it again: Move billing"),
        (None, {}, "David withdrew: Move billing"),
        ({"is_done": True, "archived_at": "2030-01-01T00:00:00Z"}, {"is_done": True}, None),
        ({"title": "\x1b[31mred\r\n\u202eline\tup"}, None, "David is on: [31mred line up"),
        ({"title": "👩‍🚀 café"}, None, "David is on: 👩‍🚀 café"),
    ],
)
def test_a_change_of_an_expectation(new: Any, old: Any, said: str | None) -> None:
    now, before = (None if row is None else {**ROW, **row} for row in (new, old))

    assert news.of_expectation("David", now, before, NOW) == said


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        ({"role": "member"}, None, "Priya joined the team"),
        (None, {"role": "member"}, "Priya left the team"),
        ({"role": "admin"}, {"role": "member"}, "Priya is admin now"),
        ({"role": "admin"}, {"role": "admin"}, None),
    ],
)
def test_a_change_of_a_membership(new: Any, old: Any, said: str | None) -> None:
    assert news.of_membership("Priya", new, old) == said


def test_a_new_name_is_told_and_a_deleted_users_is_none() -> None:
    before = {"name": "Priya", "deleted_at": None}

    assert news.of_user({**before, "name": "Priya Raman"}, before) == "Priya is called Priya Raman now"
    assert news.of_user({"name": "Former member", "deleted_at": "2030-01-01T00:00:00Z"}, before) is None
    assert news.of_user(before, before) is None
