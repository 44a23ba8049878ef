"""Whatever is wrong with a body is told in one sentence that says what to send."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from .running import PROBLEM, Api, Team

JSON = "application/json"
WHAT_TO_SEND = "Send a JSON object with Content-Type: application/json"

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", f"There is no body. {WHAT_TO_SEND}"),
    "blanks": (b" \n", f"There is no body. {WHAT_TO_SEND}"),
    "cut off": (b'{"title": "x"', "The body is not JSON: expecting ',' delimiter in line 1, column 14, found the end"),
    "a comma too many": (
        b'{"title": "x",}',
        "The body is not JSON: expecting property name enclosed in double quotes in line 1, column 15, found `}`",
    ),
    "in the third line": (
        b'{\n  "title":\n    tru}',
        "The body is not JSON: expecting value in line 3, column 5, found `tru}`",
    ),
    "single quotes": (
        b"{'title': 'x'}",
        "The body is not JSON: expecting property name enclosed in double quotes in line 1, column 2,"
        " found `'title': 'x'`",
    ),
    "a form": (b"title=x", "The body is not JSON: expecting value in line 1, column 1, found `title=x`"),
    "two objects": (b"{} {}", "The body is not JSON: extra data in line 1, column 4, found `{}`"),
    "no UTF-8": (b'{"title": "\xff"}', "The body is not UTF-8: byte 12 belongs to no character"),
    "UTF-16": ('{"title": "x"}'.encode("utf-16"), "The body is not UTF-8: byte 1 belongs to no character"),
    "a name twice": (b'{"title": "x", "title": "y"}', 'The name "title" is given twice in one object: send it once'),
    "half a character twice": (
        rb'{"\ud800": 1, "\ud800": 1}',
        r'The name "\ud800" is given twice in one object: send it once',
    ),
    "not a number": (b'{"title": NaN}', "The body is not JSON: NaN is no number there, send null or leave it out"),
    "too deep": (b"[" * 60_000, "The body has too many levels of brackets"),
    "too many digits": (b'{"title": ' + b"1" * 5_000 + b"}", "The body has a number of too many digits"),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_body_that_is_no_json_is_told_where_and_what_was_found(api: Api, team: Team, case: str) -> None:
    body, detail = UNREADABLE[case]
    alex = await api.member(team, "alex")
    answer = await alex.post("/expectations", content=body, headers={"content-type": JSON})

    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert answer.json()["type"] == "/problems/unreadable-body"
    assert answer.json()["detail"] == detail


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        (None, "There is no Content-Type"),
        ("application/x-www-form-urlencoded", "The Content-Type is application/x-www-form-urlencoded"),
        ("text/plain; charset=utf-8", "The Content-Type is text/plain"),
        ("json", "The Content-Type is json"),
    ],
)
async def test_a_body_that_is_declared_as_something_else_is_told_the_header(
    api: Api, team: Team, content_type: str | None, said: str
) -> None:
    alex = await api.member(team, "alex")
    headers = {"content-type": content_type} if content_type else {}
    answer = await alex.post("/expectations", content=b'{"title": "x"}', headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert answer.json()["detail"] == f"{said}. {WHAT_TO_SEND}"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"])
async def test_json_by_its_other_names_is_taken(api: Api, team: Team, content_type: str) -> None:
    alex = await api.member(team, "alex")
    body = b'\xef\xbb\xbf{"title": "with a byte order mark"}'
    answer = await alex.post("/expectations", content=body, headers={"content-type": content_type})

    assert answer.status_code == 201


TIME = "a time with its offset, like 2030-01-31T17:00:00+01:00"
WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([1], "As the body send a JSON object, not a list"),
    "a text": ("x", 'As the body send a JSON object, not "x"'),
    "null": (None, "As the body send a JSON object, not null"),
    "no title": ({}, "Send `title` in the body: it is required"),
    "a number": ({"title": 5}, "As `title` in the body send a text, not the number 5"),
    "an empty title": ({"title": ""}, "As `title` in the body send a text that is more than blanks, not an empty text"),
    "blanks": ({"title": " \t"}, "As `title` in the body send a text that is more than blanks, not blanks alone"),
    "a long title": (
        {"title": "x" * 501},
        "As `title` in the body send a text of at most 500 characters, not a text of 501 characters",
    ),
    "half a character": (
        {"title": "\ud800"},
        'As `title` in the body send whole characters that UTF-8 can write, not "?"',
    ),
    "an unknown name": (
        {"title": "x", "estimated_completio": None},
        "There is no `estimated_completio` in the body:"
        " known are title, estimated_completion (did you mean estimated_completion?)",
    ),
    "half a name": (
        {"title": "x", "\ud800": 1},
        'In the names of the body send whole characters that UTF-8 can write, not "?"',
    ),
    "a number as time": (
        {"title": "x", "estimated_completion": 1_900_000_000},
        f"As `estimated_completion` in the body send {TIME}, not the number 1900000000",
    ),
    "no such month": (
        {"title": "x", "estimated_completion": "2026-13-01T00:00:00Z"},
        f'As `estimated_completion` in the body send {TIME} (month must be in 1..12), not "2026-13-01T00:00:00Z"',
    ),
    "a day": (
        {"title": "x", "estimated_completion": "2030-01-31"},
        f'As `estimated_completion` in the body send {TIME} (the day alone leaves open when), not "2030-01-31"',
    ),
    "no offset": (
        {"title": "x", "estimated_completion": "2030-01-31T17:00:00"},
        f"As `estimated_completion` in the body send {TIME} (the offset is missing: append Z for UTC, or one like"
        ' +01:00), not "2030-01-31T17:00:00"',
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_field_of_another_form_is_told_what_was_expected_and_what_came(api: Api, team: Team, case: str) -> None:
    body, detail = WRONG[case]
    alex = await api.member(team, "alex")
    answer = await alex.post("/expectations", content=json.dumps(body), headers={"content-type": JSON})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert answer.json()["detail"] == detail


async def test_several_faults_are_told_at_once(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.patch("/me", json={"timezone": "Mars", "notifications": {"reminder": True, "weekly_report": 1}})

    assert answer.json()["errors"] == [
        {"pointer": "/timezone", "expected": "the name of a time zone, like Europe/Lisbon", "got": '"Mars"'},
        {"pointer": "/notifications/weekly_report", "expected": "true or false", "got": "the number 1"},
        {
            "pointer": "/notifications/reminder",
            "expected": "no such name: known are reminders, weekly_report, remind_before_minutes, quiet_hours, days,"
            " nothing_set_at (did you mean reminders?)",
        },
    ]


async def test_a_stranger_learns_nothing_of_bodies(api: Api) -> None:
    nobody = await api.client()
    answer = await nobody.post("/expectations", content=b"{", headers={"content-type": JSON})

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/no-token")


async def test_an_estimate_in_the_past_is_told_the_servers_time(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.post("/expectations", json={"title": "x", "estimated_completion": "2020-01-01T00:00:00Z"})

    assert answer.json()["type"] == "/problems/estimate-in-past"
    assert answer.json()["detail"].startswith("Choose a time after 20")


@pytest.mark.parametrize(
    ("sent", "status", "kept"),
    [
        ("Etc/Unknown", 200, "UTC"),
        ("Europe/Kiev", 200, "Europe/Kiev"),
        ("localtime", 422, None),
        ("Factory", 422, None),
    ],
)
async def test_a_time_zone_is_one_that_browsers_know(api: Api, team: Team, sent: str, status: int, kept: str) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.patch("/me", json={"timezone": sent})

    assert answer.status_code == status
    assert answer.json().get("timezone") == kept


@pytest.mark.parametrize(
    "title",
    ["\u200b", "\u2063\u2063", "\u3164", "\u00ad", "\u2800", " \ufeff ", "\u202e\u2066", "\ufe0f", "\u115f", "\0"],
)
async def test_a_title_that_shows_nothing_is_refused(api: Api, team: Team, title: str) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.post("/expectations", json={"title": title})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/title"


@pytest.mark.parametrize(
    "title",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u05d3\u05d5\u05d7 \u200fQ3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u2764\ufe0f",
        "\u0915\u094d\u200d\u0937",
    ],
)
async def test_joiners_flags_and_right_to_left_text_stay_as_they_are(api: Api, team: Team, title: str) -> None:
    alex = await api.member(team, "alex")

    assert (await alex.post("/expectations", json={"title": title})).json()["title"] == title


async def test_a_title_does_not_turn_the_line_round(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.post(
        "/expectations", json={"title": "\u202eevil\u202c \u2067report\u2069\u202a\u202b\u202d\u2066\u2068"}
    )

    assert answer.json()["title"] == "evil report"


async def test_an_estimate_that_a_browser_read_can_be_sent_back_when_it_is_overdue(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    published = await alex.post(
        "/expectations", json={"title": "a", "estimated_completion": "2040-01-31T17:00:00.123456789Z"}
    )
    kept = published.json()["estimated_completion"]
    as_browsers_write_it = kept[:23] + "Z"
    # Nobody can wait until it is overdue.
    api.database.execute(
        "set session_replication_role = replica;"
        " update expectations set estimated_completion = '2020-01-31T17:00:00.123Z'"
    )
    edited = await alex.patch(
        f"/expectations/{published.json()['id']}",
        json={"title": "b", "estimated_completion": as_browsers_write_it.replace("2040", "2020")},
    )

    assert datetime.fromisoformat(kept) == datetime(2040, 1, 31, 17, 0, 0, 123000, UTC)
    assert (edited.status_code, edited.json()["title"]) == (200, "b")
