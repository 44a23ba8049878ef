"""What the system tells members comes on their own channels, and on nobody else's."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema

from rte_common.events import RawEvent
from rte_realtime_gateway.protocol.frames import Version
from rte_realtime_gateway.rooms import announcements
from rte_testkit.asyncapi_document import announced
from rte_testkit.gateway import OTHER_TEAM, TEAM, Changes, Members
from rte_testkit.gateway_world import Client, World
from rte_testkit.official_clients import StartClient

EXPORT = {
    "id": "0b8d5f9c-64b0-4c55-9d49-3c1e0d1b7a52",
    "team_id": TEAM,
    "user_id": "user_maria",
    "format": "csv",
    "status": "ready",
    "progress": 100,
    "finished_at": "2026-11-22T09:41:39.123456+00:00",
}
REPORT = {
    "id": "c1c7a0a4-0f53-4f6b-8d55-2f9a6f0f5e77",
    "team_id": TEAM,
    "starts_on": "2026-11-16",
    "ends_on": "2026-11-22",
    "created_at": "2026-11-23T09:00:00.123456+00:00",
}
REMINDER = {
    "id": "9a1de7f4-6c2b-4d5b-8a57-0d8f6f3c2b11",
    "team_id": TEAM,
    "user_id": "user_maria",
    "kind": "due-soon",
    "expectation_id": "4f0f5c1e-2f58-4d09-9d7f-1c4b8d3e6a20",
    "title": "Report",
    "estimated_completion": "2026-11-22T17:00:00+00:00",
    "created_at": "2026-11-22T16:30:00.123456+00:00",
}
NOTHING_SET = {
    **REMINDER,
    "id": "d6a6a8f0-1a51-4f5f-9b1c-3c58c07d2e33",
    "kind": "nothing-set",
    "expectation_id": None,
    "title": None,
    "estimated_completion": None,
}


def own_channel(user: str) -> str:
    return f"realtime:expectations:user:{user}"


def joined(world: World, user: str, version: Version = Version.V2, *, team: str = TEAM, **join: Any) -> Client:
    client = world.client(version)
    client.join(own_channel(user), token=world.tokens.token(user, team=team), changes=[], **join)
    client.heard()
    return client


def event(table: str, record: dict[str, Any]) -> RawEvent:
    return RawEvent(
        id="event-1",
        occurred_at=datetime.now(UTC),
        team_id=record["team_id"],
        user_id=record.get("user_id", record["id"]),
        table=table,
        change="INSERT",
        record=record,
    )


def told(client: Client) -> list[Any]:
    heard = [said.payload for said in client.heard() if said.event == "broadcast"]
    for payload in heard:
        jsonschema.validate(payload, {"anyOf": list(announced().values())})
    return heard


def test_an_export_is_announced_to_its_member_in_every_room_and_version_and_to_nobody_else() -> None:
    world = World()
    marias = [
        joined(world, "user_maria"),
        joined(world, "user_maria", Version.V1),
        joined(world, "user_maria", private=True),
    ]
    others = [
        world.member(user="user_maria"),
        joined(world, "user_alex"),
        joined(world, "user_maria", team=OTHER_TEAM),
        joined(world, "user_maria_x"),
    ]
    world.hub.rooms.announce(announcements.read(event("exports", EXPORT)))
    world.hub.rooms.announce(announcements.read(event("exports", {**EXPORT, "status": "failed"})))
    payload = {"id": EXPORT["id"], "format": "csv", "finished_at": EXPORT["finished_at"]}
    for client in marias:
        assert told(client) == [
            {"type": "broadcast", "event": name, "payload": payload, "meta": {"id": "event-1"}}
            for name in ("export.ready", "export.failed")
        ]
    assert [told(client) for client in others] == [[]] * len(others)


def test_a_report_is_announced_to_each_member_of_its_team() -> None:
    world = World()
    team = [joined(world, "user_maria"), joined(world, "user_alex", private=True)]
    others = [world.member(), joined(world, "user_maria", team=OTHER_TEAM)]
    world.hub.rooms.announce(announcements.read(event("reports", REPORT)))
    for client in team:
        (said,) = told(client)
        assert said["event"] == "report.ready"
        assert said["payload"] == {key: REPORT[key] for key in ("id", "starts_on", "ends_on")}
    assert [told(client) for client in others] == [[], []]


def test_a_reminder_is_announced_to_its_member_and_to_nobody_else() -> None:
    world = World()
    maria = joined(world, "user_maria")
    others = [
        world.member(user="user_maria"),
        joined(world, "user_alex"),
        joined(world, "user_maria", team=OTHER_TEAM),
    ]
    for record in (REMINDER, NOTHING_SET):
        world.hub.rooms.announce(announcements.read(event("notifications", record)))
    said = told(maria)
    assert [one["event"] for one in said] == ["reminder", "reminder"]
    assert [one["payload"] for one in said] == [
        {name: value for name, value in record.items() if name not in {"team_id", "user_id"}}
        for record in (REMINDER, NOTHING_SET)
    ]
    assert [told(client) for client in others] == [[]] * len(others)


async def test_the_official_clients_hear_announcements_between_changes(
    client: StartClient, members: Members, changes: Changes
) -> None:
    for kind in ("python", "js-2.109"):
        maria = await client(
            kind,
            topic="expectations:user:user_maria",
            token=members.token("user_maria"),
            changes=[{"event": "*", "schema": "public", "table": "expectations"}],
            broadcasts=["export.ready", "report.ready", "reminder"],
        )
        await maria.heard("system", message="Subscribed to PostgreSQL")
        await changes.publish("export", "UPDATE", EXPORT, {**EXPORT, "status": "running"})
        await changes.publish("report", "INSERT", REPORT, None)
        await changes.publish("notification", "INSERT", REMINDER, None)
        await changes.insert(user_id="user_maria", title="after them")
        ready = await maria.heard("broadcast", event="export.ready")
        assert ready["payload"]["id"] == EXPORT["id"], json.dumps(ready)
        await maria.heard("broadcast", event="report.ready")
        reminder = await maria.heard("broadcast", event="reminder")
        assert (reminder["payload"]["kind"], reminder["payload"]["title"]) == ("due-soon", "Report")
        await maria.heard("change")
