"""Every row change makes exactly the event that readers know, in the transaction of the change."""

import json
from pathlib import Path
from typing import get_args

import pytest

from rte_common import events
from rte_common.events import NotAnEvent, RawEvent
from rte_devstack.testing import Database

CONTRACTS = sorted((Path(__file__).parent / "contracts").glob("*.json"))

CHANGES = {
    "expectation.created.v1": "insert into expectations (team_id, user_id, title) values ('red', 'ben', 'Write it')",
    "expectation.updated.v1": "update expectations set title = 'Write it well' where not is_done",
    "expectation.completed.v1": "update expectations set is_done = true, done_at = clock_timestamp() where not is_done",
    "expectation.reopened.v1": """set request.jwt.claims = '{"sub": "ben"}';"""
    " update expectations set is_done = false, done_at = null where is_done",
    "expectation.archived.v1": "update expectations set is_done = true, done_at = clock_timestamp() where not is_done;"
    " delete from outbox; update expectations set archived_at = now() where is_done",
    "expectation.deleted.v1": "insert into expectations (team_id, user_id, title) values ('red', 'ben', 'Drop it');"
    " delete from outbox; delete from expectations where not is_done",
    "user.updated.v1": "update users set name = 'Benjamin' where id = 'ben'",
    "user.deleted.v1": "update users set deleted_at = now() where id = 'ben'",
    "membership.updated.v1": "update memberships set role = 'admin' where user_id = 'ben'",
    "session.revoked.v1": "insert into session_revocations (session_id, user_id) values ('sess_9', 'ben')",
    "export.updated.v1": "insert into exports (team_id, user_id, format) values ('red', 'ben', 'csv');"
    " update exports set status = 'running', progress = 50; delete from outbox;"
    " update exports set status = 'ready', object_path = 'red/ben/1.csv', finished_at = now()",
    "report.created.v1": "insert into reports (team_id, starts_on, ends_on, figures)"
    " values ('red', '2026-11-16', '2026-11-22', '{}')",
    "notification.created.v1": "insert into notifications (team_id, user_id, kind, title)"
    " values ('red', 'ben', 'overdue', 'Write it'); update notifications set read_at = now()",
    "membership.deleted.v1": "delete from memberships where user_id = 'ben'",
    "membership.created.v1": "insert into memberships (team_id, user_id, role) values ('red', 'ben', 'member')",
}


@pytest.mark.parametrize("sample", CONTRACTS, ids=lambda path: path.stem)
def test_every_event_ever_published_still_parses(sample: Path) -> None:
    assert events.parse(sample.read_bytes()).type == sample.stem


def test_each_change_of_a_row_makes_its_event_and_no_other(teams: Database) -> None:
    for event_type, change in CHANGES.items():
        teams.execute("delete from outbox;" + change)
        written = teams.execute("select payload::text || '|' || subject from outbox").splitlines()

        assert len(written) == 1, event_type
        payload, subject = written[0].rsplit("|", 1)
        event = events.parse(payload.encode())
        assert event.type == event_type
        user_id = "ben" if event.type != "report.created.v1" else str(event.record.id)
        actor = "ben" if event.type == "expectation.reopened.v1" else None  # which nobody else may do
        assert (event.team_id, event.user_id, event.actor_id) == ("red", user_id, actor)
        entity, verb, _ = event_type.split(".")
        assert events.Subject.parse(subject) == (entity, verb, "red", user_id)


def test_a_contract_sample_is_kept_for_each_type() -> None:
    assert {sample.stem for sample in CONTRACTS} == {*CHANGES, "user.created.v1"}


def test_every_table_whose_changes_are_captured_has_its_events_described(teams: Database) -> None:
    captured = teams.execute("select distinct tgrelid::regclass from pg_trigger where tgname = 'capture_change'")
    described = [kind.model_fields["table"].annotation for kind in get_args(get_args(events.AnyEvent)[0])]

    assert {*captured.splitlines()} == {table for annotation in described for table in get_args(annotation)}


def test_an_event_never_shows_an_address(teams: Database) -> None:
    teams.execute("update users set name = 'Annika', email = 'annika@example.com' where id = 'anna'")

    payload = json.loads(teams.execute("select payload::text from outbox"))

    assert "example.com" not in json.dumps(payload)
    assert payload["record"]["name"] == "Annika"


def test_an_event_never_shows_where_a_file_is_or_what_a_report_says(teams: Database) -> None:
    teams.execute(CHANGES["export.updated.v1"] + ";" + CHANGES["report.created.v1"])

    written = teams.execute("select payload::text from outbox")

    assert "object_path" not in written
    assert "figures" not in written


def test_a_change_of_the_address_alone_is_no_event(teams: Database) -> None:
    teams.execute("update users set email = 'annika@example.com' where id = 'anna'")

    assert teams.execute("select count(*) from outbox") == "0"


def test_a_user_of_two_teams_is_told_to_both(teams: Database) -> None:
    teams.execute(
        "insert into memberships (team_id, user_id, role) values ('blue', 'anna', 'member'); delete from outbox"
    )

    teams.execute("update users set name = 'Annika' where id = 'anna'")

    told = teams.execute("select payload->>'team_id' from outbox order by 1").splitlines()
    assert told == ["blue", "red"]


def test_a_change_that_is_rolled_back_leaves_no_event(teams: Database) -> None:
    teams.execute(
        "begin; insert into expectations (team_id, user_id, title) values ('red', 'ben', 'Not yet'); rollback;"
    )

    assert teams.execute("select count(*) from outbox") == "0"


@pytest.mark.parametrize(
    "subject", ["rte.events.test", "rte.events.user.created.red", "rte.clerk.user.created.red.anna"]
)
def test_a_subject_that_is_no_events_is_named(subject: str) -> None:
    with pytest.raises(ValueError, match=f"{subject} is not rte.events.<entity>"):
        events.Subject.parse(subject)


@pytest.mark.parametrize(
    ("payload", "places"),
    [
        (b"{", "payload"),
        (b"[]", "payload"),
        (b'{"id": "1"}', "occurred_at, team_id, user_id, table, change"),
        (
            b'{"id": "1", "occurred_at": "2030-01-31T00:00:00Z", "team_id": "red", "user_id": "anna", "table": "users",'
            b' "change": "TRUNCATE", "record": "anna@example.com"}',
            "change, record",
        ),
    ],
)
def test_what_is_no_event_is_told_by_its_places_and_not_by_what_is_there(payload: bytes, places: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        RawEvent.parse(payload)

    assert str(refused.value) == f"not understood: {places}"


@pytest.mark.parametrize("sample", CONTRACTS, ids=lambda path: path.stem)
def test_every_event_is_read_with_its_rows_as_they_were_written(sample: Path) -> None:
    written = json.loads(sample.read_bytes())
    event = RawEvent.parse(sample.read_bytes())

    assert (event.record, event.old_record) == (written["record"], written["old_record"])
    assert (event.id, event.table, event.change) == (written["id"], written["table"], written["change"])
