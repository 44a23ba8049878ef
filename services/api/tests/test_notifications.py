"""What a member was told is theirs to read, and they choose when to be told."""

from typing import Any

import pytest

from rte_devstack.testing import Database

from .running import Api, Team

DEFAULTS = {
    "reminders": True,
    "weekly_report": True,
    "remind_before_minutes": 30,
    "quiet_hours": None,
    "days": ["mon", "tue", "wed", "thu", "fri"],
    "nothing_set_at": "10:00",
}


def tell(database: Database, team: Team, user: str, count: int = 1) -> list[str]:
    """Write notifications as jobs does, two in each moment; their ids, newest first."""
    database.execute(
        "insert into notifications (team_id, user_id, kind, title, estimated_completion, created_at)"
        f" select '{team.id}', '{user}', 'overdue', 'Task ' || n, '2026-11-22T10:00Z', now() - n / 2 * interval '1 h'"
        f" from generate_series(0, {count - 1}) n"
    )
    ids = "select id from notifications where team_id = '{}' and user_id = '{}' order by created_at desc, id desc"
    return database.execute(ids.format(team.id, user)).splitlines()


async def test_they_are_listed_newest_first_in_pages_with_the_number_of_unread(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    ids = tell(api.database, team, "user_alex", 5)
    listed, cursor = [], None
    for _ in range(3):
        page = (await alex.get("/notifications", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        assert page["unread"] == 5

    assert (listed, cursor) == (ids, None)
    assert page["items"][0] == {
        "id": ids[-1],
        "kind": "overdue",
        "expectation_id": None,
        "title": "Task 4",
        "estimated_completion": "2026-11-22T10:00:00+00:00",
        "created_at": page["items"][0]["created_at"],
        "read_at": None,
    }


async def test_one_is_marked_as_read_once_and_then_all(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    newest, *others = tell(api.database, team, "user_alex", 3)
    first = (await alex.post(f"/notifications/{newest}/read")).json()
    again = (await alex.post(f"/notifications/{newest}/read")).json()
    unread = (await alex.get("/notifications", params={"unread": "true"})).json()
    read = (await alex.get("/notifications", params={"unread": "false"})).json()
    everything = (await alex.post("/notifications/read")).json()

    assert first["id"] == newest
    assert first["read_at"] == again["read_at"] is not None
    assert ([item["id"] for item in unread["items"]], unread["unread"]) == (others, 2)
    assert ([item["id"] for item in read["items"]], read["unread"]) == ([newest], 2)
    assert everything == {"unread": 0}
    assert (await alex.get("/notifications", params={"unread": "true"})).json()["items"] == []


async def test_nobody_else_reads_or_marks_them_in_whatever_team(api: Api, team: Team) -> None:
    alex, maria = await api.member(team, "alex"), await api.member(team, "maria")
    elsewhere = await api.member(Team.made(api.database, alex="admin"), "alex")
    (told,) = tell(api.database, team, "user_alex")
    for client in (maria, elsewhere):
        assert (await client.get("/notifications")).json() == {"items": [], "next_cursor": None, "unread": 0}
        assert (await client.post(f"/notifications/{told}/read")).json()["type"] == "/problems/not-found"
        assert (await client.post("/notifications/read")).json() == {"unread": 0}

    assert (await alex.get("/notifications")).json()["unread"] == 1


async def test_an_impersonator_reads_them_and_marks_none(api: Api, team: Team) -> None:
    actor = {"sub": "user_support", "iss": "https://x.example", "sid": "sess_1"}
    alex = await api.member(team, "alex", actor=actor)
    (told,) = tell(api.database, team, "user_alex")
    refused = [await alex.post(f"/notifications/{told}/read"), await alex.post("/notifications/read")]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert (await alex.get("/notifications")).json()["unread"] == 1


async def test_a_withdrawn_expectation_leaves_what_was_told_of_it(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    expectation = (await alex.post("/expectations", json={"title": "Report"})).json()["id"]
    api.database.execute(
        "insert into notifications (team_id, user_id, kind, expectation_id, title)"
        f" values ('{team.id}', 'user_alex', 'overdue', '{expectation}', 'Report')"
    )
    before = (await alex.get("/notifications")).json()["items"][0]
    assert (await alex.delete(f"/expectations/{expectation}")).status_code == 204
    after = (await alex.get("/notifications")).json()["items"][0]

    assert before["expectation_id"] == expectation
    assert after == before | {"expectation_id": None}


async def test_settings_have_defaults_and_change_one_by_one(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex")
    changes: list[dict[str, Any]] = [
        {"remind_before_minutes": 60},
        {"quiet_hours": {"start": "20:00", "end": "08:00"}},
        {"days": ["mon", "sun"]},
        {"nothing_set_at": "09:45"},
        {"remind_before_minutes": None, "nothing_set_at": None},
        {"quiet_hours": None},
        {"reminders": False},
        {},
    ]
    expected: dict[str, Any] = DEFAULTS
    assert (await alex.get("/me")).json()["notifications"] == expected
    for change in changes:
        expected = expected | {name: value for name, value in change.items() if changes.index(change) != 7}
        if change.get("days"):
            expected["days"] = ["mon", "sun"]
        answer = await alex.patch("/me", json={"notifications": change})
        assert (answer.status_code, answer.json()["notifications"]) == (200, expected), change
    assert (await alex.get("/me")).json()["notifications"] == expected


async def test_the_first_change_leaves_the_other_defaults(api: Api, team: Team) -> None:
    maria = await api.member(team, "maria")
    changed = await maria.patch("/me", json={"notifications": {"weekly_report": False}})

    assert changed.json()["notifications"] == DEFAULTS | {"weekly_report": False}


async def test_null_changes_only_what_may_be_null_and_days_come_in_their_order(api: Api, team: Team) -> None:
    maria = await api.member(team, "maria")
    changed = await maria.patch("/me", json={"notifications": {"reminders": None, "weekly_report": None, "days": None}})
    shuffled = await maria.patch("/me", json={"notifications": {"days": ["sun", "mon"]}})

    assert changed.json()["notifications"] == DEFAULTS
    assert shuffled.json()["notifications"] == DEFAULTS | {"days": ["mon", "sun"]}


A_DAY = "a list of one or more of mon, tue, wed, thu, fri, sat, sun, each once"
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"remind_before_minutes": 0}, "/remind_before_minutes", "a number of at least 1"),
    ({"remind_before_minutes": 1441}, "/remind_before_minutes", "a number of at most 1440"),
    ({"remind_before_minutes": "30"}, "/remind_before_minutes", "a whole number"),
    ({"quiet_hours": {"start": "20:00"}}, "/quiet_hours/end", "a value: it is required"),
    ({"quiet_hours": {"start": "20:00", "end": "8:00"}}, "/quiet_hours/end", "a time of day, like 08:30"),
    ({"quiet_hours": {"start": "24:00", "end": "08:00"}}, "/quiet_hours/start", "a time of day, like 08:30"),
    (
        {"quiet_hours": {"start": "08:00", "end": "08:00"}},
        "/quiet_hours",
        "a start and an end that differ; null for no quiet hours",
    ),
    ({"quiet_hours": "22-6"}, "/quiet_hours", "a JSON object"),
    ({"days": []}, "/days", A_DAY),
    ({"days": ["mon", "mon"]}, "/days", A_DAY),
    ({"days": ["monday"]}, "/days", A_DAY),
    ({"days": [1]}, "/days", A_DAY),
    ({"days": "mon"}, "/days", A_DAY),
    ({"nothing_set_at": "09:50"}, "/nothing_set_at", "a time of day on a quarter of an hour, like 09:30"),
    ({"nothing_set_at": 9}, "/nothing_set_at", "a time of day on a quarter of an hour, like 09:30"),
]


@pytest.mark.parametrize(("change", "pointer", "expected"), WRONG, ids=[str(change) for change, _, _ in WRONG])
async def test_a_setting_of_another_form_is_told_what_was_expected(
    api: Api, team: Team, change: dict[str, Any], pointer: str, expected: str
) -> None:
    alex = await api.member(team, "alex")
    answer = await alex.patch("/me", json={"notifications": change})
    (error,) = answer.json()["errors"]

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert (error["pointer"], error["expected"]) == (f"/notifications{pointer}", expected)
    assert (await alex.get("/me")).json()["notifications"] == DEFAULTS
