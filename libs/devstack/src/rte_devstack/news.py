"""What a change in a team means, in words for a person at a terminal."""

from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]


def of_expectation(name: str, new: Row | None, old: Row | None, now: datetime) -> str | None:
    """Say what `name` did with an expectation; None when there is nothing to see. `now` says what day it is."""
    if new is None:
        return f"{name} withdrew: {one_line((old or {})['title'])}"
    title, due = one_line(new["title"]), _due(new, now)
    until = f" ({due})" if due else ""
    if old is None:
        return f"{name} is on: {title}{until}"
    if new["is_done"] != old["is_done"]:
        return f"{name} finished: {title}" if new["is_done"] else f"{name} is on it again: {title}{until}"
    if new["title"] != old["title"]:
        return f"{name} is now on: {title}{until}, before: {one_line(old['title'])}"
    if new["estimated_completion"] != old["estimated_completion"]:
        return f"{name} changed the time of: {title} ({due or 'no time'}, before: {_due(old, now) or 'no time'})"
    return None


def of_membership(name: str, new: Row | None, old: Row | None) -> str | None:
    """Say that `name` came, left, or has another role."""
    if new is None:
        return f"{name} left the team"
    if old is None:
        return f"{name} joined the team"
    return f"{name} is {new['role']} now" if new["role"] != old["role"] else None


def of_user(new: Row | None, old: Row | None) -> str | None:
    """Say that somebody is called something else now."""
    if new is None or old is None or new["name"] == old["name"] or new["deleted_at"]:
        return None
    return f"{one_line(old['name'])} is called {one_line(new['name'])} now"


def one_line(text: str) -> str:
    """Return what a member wrote on one line, without anything that a terminal would take for a command."""
    joiner = "\u200d"  # inside of emoji
    return " ".join("".join(c if c.isprintable() or c == joiner else " " for c in text).split())


def _due(row: Row, now: datetime) -> str:
    if row["estimated_completion"] is None:
        return ""
    due = datetime.fromisoformat(row["estimated_completion"]).astimezone(now.tzinfo)
    days = (due.date() - now.date()) / timedelta(days=1)
    day = "" if days == 0 else f"{due:%a} " if 0 < days < 7 else f"{due:%Y-%m-%d} "
    return f"by {day}{due:%H:%M}"
