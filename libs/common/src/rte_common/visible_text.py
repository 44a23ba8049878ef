"""Text that people read: whether it shows anything, and without what turns the line round."""

import re

INVISIBLE = (
    r"\s\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Characters without a shape of their own, for a class of a regular expression. Joiners, marks of direction and
selectors are rightful beside others: alone they show nothing."""
SHOWS = re.compile(rf"[^{INVISIBLE}\U000e0000-\U000e0fff]")
OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates: they also turn what a page shows after the text. Hebrew and Arabic need none."""


def shows_something(text: str) -> bool:
    """Whether any character of the text can be seen."""
    return SHOWS.search(text) is not None


def without_overrides(text: str) -> str:
    """The text without what turns the line round."""
    return OVERRIDES.sub("", text)
