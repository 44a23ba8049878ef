"""Nothing secret is logged, and no text that somebody sends can hold a process up."""

import time

import pytest

from rte_common import scrubbing
from rte_common.scrubbing import MAX_TEXT, scrub

LONG = 100_000
BEGINNINGS = (
    "a",
    "eyJ",
    "://",
    "a@",
    "@",
    "whsec_",
    "a.",
    ":",
    "_",
    "-",
    "+",
    "sk_test_",
    "a@b.",
    "é",
    "x://a:",
    "eyJa.",
)
ENDS = ("", "@", "@b", "@b.c", ".", ":", " ")
A_JWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6.eyJzdWIiOiJ1c2VyXzJEZW1vIn0.c2lnbmF0dXJl-_x"


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        (f"Bearer {A_JWT}", "Bearer [scrubbed]"),
        (f"token%20{A_JWT[:40]}", "token%20[scrubbed]"),
        ("postgresql://rte:p/a:s#s@db:5432/rte", "postgresql://[scrubbed]@db:5432/rte"),
        ("to ada.love+lace@mail.example.com, now", "to [scrubbed], now"),
        ("whsec_abc+/= sk_live_1 sb_secret_2", "[scrubbed] [scrubbed] [scrubbed]"),
        ("https://example.com/keyJar?a=b_c", "https://example.com/keyJar?a=b_c"),
    ],
)
def test_secrets_and_addresses_are_replaced_and_nothing_else(text: str, logged: str) -> None:
    assert scrub(text) == logged
    assert scrub({"deep": [text], "password": "x"}) == {"deep": [logged], "password": "[scrubbed]"}


def test_a_text_is_cut() -> None:
    assert scrub("x" * LONG) == "x" * MAX_TEXT + f"... ({LONG} characters)"


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_text_of_ten_times_the_length_takes_ten_times_as_long(
    beginning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "MAX_TEXT", 10 * LONG)

    def seconds(length: int, end: str) -> float:
        text = (beginning * length)[:length] + end
        return min(timed(text) for _ in range(3))

    def timed(text: str) -> float:
        began = time.thread_time()
        scrub(text)
        return time.thread_time() - began

    # Quadratic would be a hundred times as long, and seconds.
    slow = [end for end in ENDS if seconds(LONG, end) > 40 * max(seconds(LONG // 10, end), 0.0005)]
    assert slow == []
