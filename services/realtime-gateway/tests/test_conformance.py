"""The protocol, point by point, in both versions: what a client says and what it must hear, frame by frame.

The numbers are those of the conformance list that the gateway is held to: 1 and 2 (addresses, versions), 15 (HTTP), 21
(pings) and 24 to 27 (reconnects, drain, slow readers, the official clients) need a socket and are in other files.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest

from rte_realtime_gateway.protocol import messages
from rte_realtime_gateway.protocol.frames import Ref, Version
from rte_testkit.gateway_world import ALL, TOPIC, Client, World

Steps = Callable[[World, Client], None]
Told = tuple[Ref, str, str, Any]
"""ref, topic, event and payload of a server message."""

OK = {"status": "ok", "response": {}}


def told(client: Client) -> list[Told]:
    return [(said.ref, said.topic, said.event, said.payload) for said in client.heard()]


def ok(ref: str | None, *echo: Any, topic: str = TOPIC) -> Told:
    return ref, topic, "phx_reply", {"status": "ok", "response": {"postgres_changes": list(echo)}}


def error(ref: str | None, reason: Any, topic: str = TOPIC) -> Told:
    return ref, topic, "phx_reply", {"status": "error", "response": {"reason": reason}}


def echo(**binding: Any) -> dict[str, Any]:
    return {"id": ANY, **binding}


def system(message: Any, status: str = "ok", extension: str = "postgres_changes") -> Told:
    payload = {"channel": "expectations:active", "extension": extension, "status": status, "message": message}
    return None, TOPIC, "system", payload


STATE: Told = (None, TOPIC, "presence_state", {})
SUBSCRIBED = system("Subscribed to PostgreSQL")
LOAD_AGAIN = system(messages.LOAD_AGAIN, extension="system")


def token(world: World, user: str = "user_alex", **more: Any) -> str:
    return world.tokens.token(user, **more)


# Each point is a function of a world and a client that is connected.


def heartbeat(world: World, client: Client) -> None:
    client.say("heartbeat", {}, topic="phoenix", ref="7")
    client.say("heartbeat", {}, topic="phoenix", ref=None)
    assert told(client) == [("7", "phoenix", "phx_reply", OK), (None, "phoenix", "phx_reply", OK)]


def unmatched_topic(world: World, client: Client) -> None:
    client.say("phx_join", {}, topic="room:1", ref="1", join_ref="1")
    client.say("phx_join", {}, topic="realtime:", ref="2", join_ref="2")
    client.say("phx_join", {}, topic="realtime:anything", ref="3", join_ref="3")
    client.say("broadcast", {"event": "x", "payload": {}}, ref="4")
    assert [(ref, payload["response"]["reason"].split(":")[0]) for ref, _, _, payload in told(client)] == [
        ("1", "unmatched topic"),
        ("2", "TopicNameRequired"),
        ("3", "Unauthorized"),
        ("4", "unmatched topic"),
    ]


def echo_of_bindings(world: World, client: Client) -> None:
    bindings: list[dict[str, Any]] = [
        {"event": "INSERT", "schema": "public", "table": "expectations", "filter": "user_id=eq.user_alex"},
        {"event": "*", "schema": "public"},
        {"event": "UPDATE", "schema": "*", "table": None, "filter": ""},
        {"event": "delete", "schema": "public", "table": "users", "select": ["name"]},
    ]
    for asked in ([], bindings[:1], bindings, bindings[::-1]):
        ref = client.join(token=token(world), changes=asked)
        assert told(client)[0] == ok(ref, *(echo(**binding) for binding in asked))


def duplicate_bindings(world: World, client: Client) -> None:
    ref = client.join(token=token(world), changes=[ALL, {**ALL, "event": "INSERT"}, ALL])
    assert told(client)[0] == ok(ref, echo(**ALL), echo(**{**ALL, "event": "INSERT"}), echo(**ALL))
    world.change()
    ((_, _, event, payload),) = told(client)
    assert event == "postgres_changes"
    assert len(payload["ids"]) == 2, "one event, with each binding's id once"


def stable_ids(world: World, client: Client) -> None:
    ids = []
    for _ in range(2):
        client.join(token=token(world), changes=[ALL, {"event": "*"}])
        ids.append([entry["id"] for entry in told(client)[0][3]["response"]["postgres_changes"]])
    assert ids[0] == ids[1]
    assert all(0 < number < 2**31 for number in ids[0])
    assert len(set(ids[0])) == 2


def reply_before_changes_then_system(world: World, client: Client) -> None:
    world.change(title="before")
    ref = client.join(token=token(world))
    world.change(title="after")
    events = told(client)
    assert events[:-1] == [ok(ref, echo(**ALL)), STATE, SUBSCRIBED, LOAD_AGAIN]
    assert events[-1][3]["data"]["record"]["title"] == "after"


def shape_of_changes(world: World, client: Client) -> None:
    client.join(token=token(world))
    (number,) = [entry["id"] for entry in told(client)[0][3]["response"]["postgres_changes"]]
    created = world.change("INSERT")
    completed = world.change("UPDATE", old=created, **{**created, "is_done": True})
    world.change("DELETE", **completed)
    common = {
        "schema": "public",
        "table": "expectations",
        "commit_timestamp": "2023-11-14T22:13:20.060Z",
        "columns": ANY,
        "errors": None,
    }
    expected: list[dict[str, Any]] = [
        {"type": "INSERT", "record": created},
        {"type": "UPDATE", "record": completed, "old_record": created},
        {"type": "DELETE", "old_record": completed},
    ]
    events = told(client)
    assert events == [
        (None, TOPIC, "postgres_changes", {"ids": [number], "data": {**common, **data}}) for data in expected
    ]
    assert events[0][3]["data"]["columns"] == [
        {"name": "id", "type": "uuid"},
        {"name": "team_id", "type": "text"},
        {"name": "user_id", "type": "text"},
        {"name": "title", "type": "text"},
        {"name": "estimated_completion", "type": "timestamptz"},
        {"name": "is_done", "type": "bool"},
        {"name": "done_at", "type": "timestamptz"},
        {"name": "archived_at", "type": "timestamptz"},
        {"name": "version", "type": "int4"},
        {"name": "created_at", "type": "timestamptz"},
        {"name": "updated_at", "type": "timestamptz"},
    ]


def filters_of_bindings(world: World, client: Client) -> None:
    """Every operator is in test_filters.py; here: a filter decides, and a bad one leaves the channel alive."""
    good, bad = {**ALL, "filter": "user_id=eq.user_maria,is_done=is.false"}, {**ALL, "filter": "title=near.x"}
    ref = client.join(token=token(world), changes=[good, bad])
    assert told(client) == [ok(ref, echo(**good), echo(**bad)), STATE, system(ANY, "error"), LOAD_AGAIN]
    world.change(user_id="user_alex", title="no")
    deleted = world.change("DELETE", user_id="user_maria", title="deletes are filtered too")
    assert [payload["data"]["old_record"] for *_, payload in told(client)] == [deleted]


def any_schema_and_table(world: World, client: Client) -> None:
    client.join(token=token(world), changes=[{"event": "*", "schema": "*", "table": "*"}])
    client.heard()
    world.change()
    world.change("UPDATE", table="user", id="user_maria", name="Maria", email="secret@example.com", deleted_at=None)
    tables = [payload["data"]["table"] for *_, payload in told(client)]
    assert tables == ["expectations", "users"]


def select(world: World, client: Client) -> None:
    client.join(token=token(world), changes=[{**ALL, "select": ["title"]}, ALL])
    client.heard()
    created = world.change()
    few, all_columns = (payload["data"] for *_, payload in told(client))
    assert few["record"] == {"id": created["id"], "title": created["title"]}
    assert [column["name"] for column in few["columns"]] == ["id", "title"]
    assert all_columns["record"] == created


def broadcast_to_others(world: World, client: Client) -> None:
    client.join(token=token(world), broadcast={"ack": True, "self": False})
    maria = world.member(Version.V1, "user_maria")
    sophia = world.member(Version.V2, "user_sophia", broadcast={"self": "true"})
    client.heard()
    sent = {"type": "broadcast", "event": "wave", "payload": {"to": "all"}}
    ref = client.say("broadcast", sent)
    assert told(client) == [(ref, TOPIC, "phx_reply", OK)]
    assert told(maria) == told(sophia) == [(None, TOPIC, "broadcast", sent)]
    sophia.say("broadcast", sent)
    assert told(sophia) == told(client) == [(None, TOPIC, "broadcast", sent)], "self, but no ack"


def leave(world: World, client: Client) -> None:
    joined = client.join(token=token(world))
    client.heard()
    ref = client.say("phx_leave", {}, join_ref=joined)
    assert told(client) == [(ref, TOPIC, "phx_reply", OK), (joined, TOPIC, "phx_close", {})]
    world.change()
    ref = client.say("phx_leave", {})
    assert told(client) == [(ref, TOPIC, "phx_reply", OK)], "an unknown topic is left with ok"


def superseded_join(world: World, client: Client) -> None:
    client.join(token=token(world))
    client.heard()
    ref = client.join(token=token(world))
    assert [event for _, _, event, _ in told(client)] == ["phx_reply", "presence_state", "system", "system"]
    world.change()
    assert [event for _, _, event, _ in told(client)] == ["postgres_changes"], f"once, for join {ref}"


def stale_join_ref(world: World, client: Client) -> None:
    client.join(token=token(world), broadcast={"ack": True})
    client.heard()
    for join_ref in ("99", None):
        ref = client.say("broadcast", {"event": "x", "payload": {}}, join_ref=join_ref)
        assert told(client) == [(ref, TOPIC, "phx_reply", OK)]


def token_renewal(world: World, client: Client) -> None:
    client.join(token=token(world, lives=60))
    client.heard()
    world.pass_time(50)
    client.say("heartbeat", {}, topic="phoenix")
    client.say("access_token", {"access_token": token(world, lives=60)})
    for ignored in (None, "sb_publishable_1", "header.forged.signature"):
        client.say("access_token", {"access_token": ignored})
    client.heard()
    world.pass_time(55)
    client.say("heartbeat", {}, topic="phoenix")
    client.heard()
    world.change()
    assert client.heard_events() == ["postgres_changes"], "alive beyond the first token's life, and no reply to tokens"


def token_expiry(world: World, client: Client) -> None:
    joined = client.join(token=token(world, lives=60))
    client.heard()
    for _ in range(3):
        world.pass_time(31)
        client.say("heartbeat", {}, topic="phoenix", ref="h")
    assert told(client) == [("h", "phoenix", "phx_reply", OK)] * 3, "not within the grace"
    world.pass_time(3)
    assert told(client) == [
        (joined, TOPIC, "phx_error", {"reason": "InvalidJWTToken: Token has expired 35 seconds ago"})
    ]
    world.change()
    assert told(client) == []


def join_without_token(world: World, client: Client) -> None:
    ref = client.join(token=None)
    assert told(client) == [ok(ref, echo(**ALL))]
    world.change(title="committed after the reply")
    assert told(client) == [], "nothing before it is known who listens"
    client.say("presence", {"type": "presence", "event": "track", "payload": {"on": "it"}}, ref="held")
    client.say("access_token", {"access_token": token(world)})
    events = told(client)
    assert [event for _, _, event, _ in events] == [
        "presence_state",
        "phx_reply",
        "postgres_changes",
        "system",
        "system",
        "presence_diff",
    ]
    assert events[2][3]["data"]["record"]["title"] == "committed after the reply"


def payload_too_large(world: World, client: Client) -> None:
    client.join(token=token(world))
    client.heard()
    ref = client.say("presence", {"event": "track", "payload": {"text": "x" * 5000}})
    ((_, _, _, payload),) = told(client)
    assert (ref, payload["status"], type(payload["response"])) == (ref, "error", dict)


def presence_of_members(world: World, client: Client) -> None:
    ref = client.join(token=token(world), presence={"key": "alex"})
    assert told(client)[:2] == [ok(ref, echo(**ALL)), STATE]
    ref = str(client.say("presence", {"type": "presence", "event": "TRACK", "payload": {"on": "report"}}))
    meta = {"on": "report", "user_id": "user_alex", "phx_ref": ANY}
    diff = {"joins": {"alex": {"metas": [meta]}}, "leaves": {}}
    both = [(ref, TOPIC, "phx_reply", OK), (None, TOPIC, "presence_diff", diff)]
    assert told(client) == both, "the diff at once, after the answer"
    client.say("presence", {"type": "presence", "event": "track", "payload": {"on": "slides"}}, ref="2")
    client.say("presence", {"type": "presence", "event": "track", "payload": {"on": "slides"}}, ref="3")
    world.clock.advance(0.1)
    _, _, left, joined = told(client)
    assert left[3] == {"joins": {}, "leaves": {"alex": {"metas": [meta]}}}, "first the leave, in a message of its own"
    assert joined[3] == {"joins": {"alex": {"metas": [{**meta, "on": "slides"}]}}, "leaves": {}}
    client.say("presence", {"type": "presence", "event": "untrack"}, ref="4")
    world.clock.advance(0.1)
    assert told(client)[1][3] == {"joins": {}, "leaves": {"alex": {"metas": [{**meta, "on": "slides"}]}}}


def presence_keys(world: World, client: Client) -> None:
    client.join(token=token(world), presence={"key": "ids"})
    assert told(client) == [error("1", ANY)], "a presence key `ids` crashes realtime-js"
    for key in ({}, {"key": ""}):
        client.join(token=token(world), presence=key)
        client.heard()
        client.say("presence", {"event": "track", "payload": {}})
        world.clock.advance(0.1)
        (*_, (_, _, _, diff)) = told(client)
        (made_up,) = diff["joins"]
        assert len(made_up) == 36


def presence_switched_off(world: World, client: Client) -> None:
    client.join(token=token(world), presence={"enabled": False})
    assert STATE not in told(client)
    maria = world.member(user="user_maria")
    maria.say("presence", {"event": "track", "payload": {}})
    world.clock.advance(0.1)
    assert told(client) == []
    client.say("presence", {"event": "track", "payload": {}}, ref="on")
    assert [event for _, _, event, _ in told(client)] == ["presence_state", "phx_reply", "presence_diff"]


def bad_presence(world: World, client: Client) -> None:
    client.join(token=token(world))
    client.heard()
    ref = client.say("presence", {"type": "presence", "event": "track", "payload": "here"})
    assert told(client) == [error(ref, "Presence track payload must be a map")]


def readiness_of_replication(world: World, client: Client) -> None:
    client.join(token=token(world), changes=[], broadcast={"replication_ready": True})
    assert told(client)[-1] == system("Replication connection established", extension="system")


POINTS: dict[str, Steps] = {
    "3 a heartbeat is answered, with a null ref too": heartbeat,
    "4 topics that do not exist are refused": unmatched_topic,
    "5 a join echoes 0, 1 and n bindings in order, with null, empty and absent keys": echo_of_bindings,
    "6 identical bindings have an entry each": duplicate_bindings,
    "7 ids are stable over a rejoin, positive and below 2^31": stable_ids,
    "8, 9 the reply comes first, the changes after it, and system ok": reply_before_changes_then_system,
    "10 changes have the exact shape": shape_of_changes,
    "11 filters decide, and a bad one leaves the channel alive": filters_of_bindings,
    "12 any schema and any table": any_schema_and_table,
    "12 select keeps the key": select,
    "13 presence: state, diffs with leave before join, untrack": presence_of_members,
    "13 presence keys: made up when absent, `ids` refused": presence_keys,
    "13 presence switched off, and on by tracking": presence_switched_off,
    "13 presence of something else than an object": bad_presence,
    "14 broadcasts: others, self, ack": broadcast_to_others,
    "16 a token is renewed in place": token_renewal,
    "16 an expired token ends in phx_error after a grace, never phx_close": token_expiry,
    "17 a join without token delivers once the token comes": join_without_token,
    "18 leave is answered, then closed; leaving nothing is fine": leave,
    "19 a repeated join replaces the first without closing": superseded_join,
    "20 a stale or absent join_ref is tolerated": stale_join_ref,
    "23 what is too large gets an error object": payload_too_large,
    "C replication_ready is confirmed": readiness_of_replication,
}


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
@pytest.mark.parametrize("point", POINTS)
def test_the_protocol_is_spoken(point: str, version: Version) -> None:
    world = World()
    POINTS[point](world, world.client(version))


def test_replies_repeat_the_join_ref_and_changes_carry_none() -> None:
    world = World()
    client = world.client(Version.V2)
    joined = client.join(token=token(world))
    assert {said.join_ref for said in client.heard()} == {joined}
    world.change()
    assert [said.join_ref for said in client.heard()] == [None], (
        "null is what all clients accept, and one frame for all"
    )
