"""docs/asyncapi.yaml is up to date, valid, and true: what clients hear is what it describes."""

import json
import re
from typing import Any

import jsonschema
import pytest

from rte_realtime_gateway.protocol.frames import Version
from rte_testkit.asyncapi_document import FILE, FROM_SERVER, LIMITS, document, text
from rte_testkit.gateway_world import TOPIC, World
from rte_testkit.official_clients import JAVASCRIPT

GUIDE = FILE.with_name("realtime-clients.md")


def test_the_document_is_up_to_date() -> None:
    assert FILE.read_text() == text(), "run .venv/bin/python -m rte_testkit.asyncapi_document"


def test_the_guide_states_every_limit_as_it_is() -> None:
    guide = GUIDE.read_text().split("## Limits")[1].split("\n## ")[0]
    for limit in LIMITS.values():
        rows = [
            row
            for row in guide.splitlines()
            if all(re.search(rf"(?<![\d,]){n:,}(?!,?\d)", row) for n in limit.values())
        ]
        assert rows, f"no row says {limit}"


def test_the_document_is_valid(javascript: None) -> None:
    schema = json.loads((JAVASCRIPT / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document())


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
def test_everything_a_client_hears_is_described(version: Version) -> None:
    world = World()
    client = world.client(version)
    heard: list[tuple[str, Any]] = []

    def listen() -> None:
        world.clock.advance(1)
        heard.extend((said.event, said.payload) for said in client.heard())

    client.join("realtime:nowhere")
    client.join(token=world.tokens.token(), presence={"key": "alex"}, broadcast={"self": True, "ack": True})
    for payload in ({"a": 1}, {"a": 2}):
        client.say("presence", {"type": "presence", "event": "track", "payload": payload})
        listen()
    client.say("broadcast", {"type": "broadcast", "event": "wave", "payload": {"n": 1}})
    created = world.change("INSERT")
    updated = world.change("UPDATE", old=created, **{**created, "title": "Changed"})
    world.change("DELETE", **updated)
    client.say("phx_leave", {})
    client.join(token=world.tokens.token(lives=-34))
    world.pass_time(2)
    listen()
    for event, payload in heard:
        jsonschema.validate(payload, FROM_SERVER[event])
    assert {event for event, _ in heard} == set(FROM_SERVER)
    assert document()["channels"]["team"]["address"] == TOPIC
