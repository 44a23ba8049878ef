"""Writes docs/asyncapi.yaml from the event classes, the published tables and the channels.

.venv/bin/python -m rte_testkit.asyncapi_document
"""

from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rte_common import events
from rte_common.jetstream import BROADCASTS_PER_ROOM
from rte_devstack.folder import REPOSITORY
from rte_realtime_gateway.access import limits
from rte_realtime_gateway.access.authorization import MEMBER_CHANNEL, TEAM_CHANNEL
from rte_realtime_gateway.clients.channel import MAX_HELD_BYTES, MAX_HELD_MESSAGES
from rte_realtime_gateway.clients.session import MAX_JOIN_BYTES
from rte_realtime_gateway.protocol import bindings, filters, frames, join
from rte_realtime_gateway.protocol.join import MAX_REPLAY, RESERVED_PRESENCE_KEY
from rte_realtime_gateway.protocol.messages import LOAD_AGAIN, PREFIX, RESUMED, SUBSCRIBED, CloseCode
from rte_realtime_gateway.protocol.tables import COLUMNS, SCHEMA
from rte_realtime_gateway.rooms.announcements import ANNOUNCED, EXPORT_EVENTS, REMINDER_EVENT, REPORT_EVENT
from rte_realtime_gateway.rooms.presence import MAX_META_BYTES
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES
from rte_realtime_gateway.server.socket import SOCKET_PIECE_RATE
from rte_realtime_gateway.settings import Settings

FILE = REPOSITORY / "docs" / "asyncapi.yaml"
JsonSchema = dict[str, Any]

TEXT: JsonSchema = {"type": "string"}
FLAG: JsonSchema = {"type": "boolean"}
METAS: JsonSchema = {
    "type": "object",
    "description": "Presence key -> what its clients said, each with its phx_ref and the member's id",
    "additionalProperties": {
        "type": "object",
        "required": ["metas"],
        "properties": {
            "metas": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["phx_ref", "user_id"],
                    "properties": {"phx_ref": TEXT, "user_id": TEXT},
                },
            }
        },
    },
}


def closed(*required: str, **properties: JsonSchema) -> JsonSchema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required) or list(properties),
        "additionalProperties": False,
    }


def const(*values: Any) -> JsonSchema:
    """One of these."""
    return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}


BINDING = {
    "type": "object",
    "properties": {
        "event": const("*", "INSERT", "UPDATE", "DELETE"),
        "schema": const("*", SCHEMA),
        "table": const("*", *COLUMNS),
        "filter": {
            **TEXT,
            "description": "`column=op.value`, several joined by commas, each maybe negated with `not.`",
        },
        "select": {"type": "array", "items": TEXT},
    },
}
CHANGE = closed(
    "schema", "table", "commit_timestamp", "type", "columns", "errors",
    schema=const(SCHEMA),
    table=const(*COLUMNS),
    commit_timestamp={**TEXT, "format": "date-time"},
    type=const("INSERT", "UPDATE", "DELETE"),
    columns={"type": "array", "items": closed(name=TEXT, type=TEXT)},
    record={"type": "object", "description": "The row as it is now; absent for DELETE"},
    old_record={"type": "object", "description": "The whole row as it was; absent for INSERT"},
    errors={"type": ["array", "null"], "items": TEXT},
)  # fmt: skip

FROM_SERVER: dict[str, JsonSchema] = {
    "phx_reply": closed(status=const("ok", "error"), response={"type": "object"}),
    "postgres_changes": closed(
        ids={"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}, data=CHANGE
    ),
    "presence_state": METAS,
    "presence_diff": closed(joins=METAS, leaves=METAS),
    "broadcast": closed(
        "type",
        "event",
        "payload",
        type=const("broadcast"),
        event=TEXT,
        payload={},
        meta={
            "type": "object",
            "description": "Of kept broadcasts: `id`, and `replayed` for those of before the join",
        },
    ),
    "system": closed(
        channel=TEXT,
        extension=const("postgres_changes", "system"),
        status=const("ok", "error"),
        message={**TEXT, "examples": [SUBSCRIBED, LOAD_AGAIN, RESUMED]},
    ),
    "phx_error": closed(reason=TEXT),
    "phx_close": closed(),
}
"""Event -> payload of what clients receive."""

TO_SERVER: dict[str, JsonSchema] = {
    "phx_join": {
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {
                    "postgres_changes": {"type": "array", "items": BINDING, "maxItems": join.MAX_BINDINGS},
                    "broadcast": {
                        "type": "object",
                        "properties": {
                            "ack": FLAG,
                            "self": FLAG,
                            "replay": {
                                **closed("since", since={"type": "integer"}, limit={"type": "integer", "minimum": 1}),
                                "description": "Private channels only: the newest `limit` kept broadcasts after "
                                f"`since`, in milliseconds; at most {MAX_REPLAY}",
                            },
                        },
                    },
                    "presence": {
                        "type": "object",
                        "properties": {"key": {**TEXT, "not": const(RESERVED_PRESENCE_KEY)}, "enabled": FLAG},
                    },
                    "private": FLAG,
                },
            },
            "access_token": {"type": ["string", "null"]},
        },
    },
    "phx_leave": {"type": "object"},
    "access_token": closed(access_token={"type": ["string", "null"]}),
    "presence": closed("event", type=const("presence"), event=const("track", "untrack"), payload={"type": "object"}),
    "push_broadcast": closed(
        "event", type=const("broadcast"), event=TEXT, payload={"description": "An object reaches every client"}
    ),
}
"""Event -> payload of what clients send; a broadcast is called `broadcast` both ways."""

HEARTBEAT = "heartbeat"

LIMITS: dict[str, dict[str, int]] = {
    "channels": {"socket": limits.MAX_CHANNELS, "member": limits.MAX_MEMBER_CHANNELS, "team": limits.MAX_TEAM_CHANNELS},
    "joins a second": {
        "socket": int(limits.SOCKET_JOIN_RATE[0]),
        "member": int(limits.JOIN_RATES.member[0]),
        "team": int(limits.JOIN_RATES.team[0]),
    },
    "messages a second": {
        "socket": int(limits.SOCKET_MESSAGE_RATE[0]),
        "member": int(limits.MESSAGE_RATES.member[0]),
        "team": int(limits.MESSAGE_RATES.team[0]),
    },
    "presence": {"changes a second": int(limits.PRESENCE_RATE[0]), "bytes": MAX_META_BYTES},
    "message": {"bytes": Settings.model_fields["max_message_bytes"].default, "levels of JSON": frames.MAX_DEPTH},
    "join": {
        "bytes": MAX_JOIN_BYTES,
        "bytes of the topic": frames.MAX_HEADER_FIELD,
        "bytes of the presence key": join.MAX_PRESENCE_KEY_BYTES,
        "bindings": join.MAX_BINDINGS,
        "patterns in filters": bindings.MAX_PATTERNS,
        "conditions in filters": bindings.MAX_CONDITIONS,
        "values of `in`": filters.MAX_IN_VALUES,
    },
    "before the token has come": {"messages of a channel": MAX_HELD_MESSAGES, "bytes of a socket": MAX_HELD_BYTES},
    "kept broadcasts": {"of a channel": BROADCASTS_PER_ROOM, "bytes": MAX_KEPT_BYTES},
    "pings, pongs and pieces a second": {"socket": int(SOCKET_PIECE_RATE[0])},
}
"""What clients may do; docs/realtime-clients.md says what happens beyond it."""


def announced() -> dict[str, JsonSchema]:
    """Payloads of the broadcasts that the system sends on a member's own channel."""
    events_of = {
        "exports": tuple(EXPORT_EVENTS.values()),
        "reports": (REPORT_EVENT,),
        "notifications": (REMINDER_EVENT,),
    }
    rows: dict[str, type[events.Row]] = {
        "exports": events.ExportRow,
        "reports": events.ReportRow,
        "notifications": events.NotificationRow,
    }
    columns = {table: row.model_json_schema()["properties"] for table, row in rows.items()}
    return {
        f"announcement_of_{table}": closed(
            type=const("broadcast"),
            event=const(*events_of[table]),
            payload=closed(**{name: columns[table][name] for name in ANNOUNCED[table]}),
            meta=closed(id={**TEXT, "description": "Of the event: an announcement that comes again has the same"}),
        )
        for table in ANNOUNCED
    }


def event_classes() -> list[type[BaseModel]]:
    """Every event that crosses the broker."""
    return list(get_args(get_args(events.AnyEvent)[0]))


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document."""
    classes = event_classes()
    _, schemas = models_json_schema(
        [(model, "validation") for model in classes], ref_template="#/components/schemas/{model}"
    )
    facts = {model.__name__: _message(model.__name__, _reference("schemas", model.__name__)) for model in classes}
    pushes = {name: _message(name, schema) for name, schema in FROM_SERVER.items()}
    wishes = {name: _message(name, schema) for name, schema in TO_SERVER.items()}
    announcements = {name: {**_message(name, schema), "name": "broadcast"} for name, schema in announced().items()}
    beat = {HEARTBEAT: _message(HEARTBEAT, closed())}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Remote Teams Expectations: events and realtime channels",
            "version": "1.0.0",
            "description": (
                "Clients speak the Supabase Realtime protocol, versions 1.0.0 and 2.0.0: each message below is the "
                "`payload` of a frame with `topic` (the address), `event` (the name of the message), `ref` and "
                f"`join_ref`. Close codes: {_closings()}."
            ),
        },
        "x-limits": LIMITS,
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "localhost:8080",
                "protocol": "ws",
                "pathname": "/realtime/v1/websocket",
                "description": "Query: apikey, vsn (1.0.0 or 2.0.0), session (recognises the client after a reconnect)",
            },
            "broker": {"host": "localhost:4222", "protocol": "nats", "description": "JetStream, stream EVENTS"},
        },
        "channels": {
            "team": _channel(PREFIX + TEAM_CHANNEL, "The caller's team, taken from the token", {**pushes, **wishes}),
            "member": {
                **_channel(
                    f"{PREFIX}{MEMBER_CHANNEL}{{userId}}",
                    "One member's own changes, and what the system has to tell them",
                    {**pushes, **announcements, **wishes},
                ),
                "parameters": {"userId": {"description": "The member's own id; admins may read any"}},
            },
            "phoenix": _channel("phoenix", "Heartbeats, at least every 60 s", beat),
            "events": {
                "address": f"{events.SUBJECTS.removesuffix('>')}{{entity}}.{{verb}}.{{teamId}}.{{userId}}",
                "description": "Facts, written by the capture trigger of the database",
                "servers": [{"$ref": "#/servers/broker"}],
                "parameters": {name: {} for name in ("entity", "verb", "teamId", "userId")},
                "messages": {name: _reference("messages", name) for name in facts},
            },
        },
        "operations": {
            "hearTeam": _operation("send", "team", list(pushes)),
            "hearMember": _operation("send", "member", [*pushes, *announcements]),
            **{f"speakTo{name.title()}": _operation("receive", name, list(wishes)) for name in ("team", "member")},
            "beat": _operation("receive", "phoenix", [HEARTBEAT]),
            "followEvents": _operation("receive", "events", list(facts)),
        },
        "components": {"schemas": schemas["$defs"], "messages": {**pushes, **announcements, **wishes, **beat, **facts}},
    }  # fmt: skip


def _closings() -> str:
    named = [value for name, value in vars(CloseCode).items() if name.isupper()]
    return "; ".join(f"{code} {reason}" for code, reason in named)


def _reference(kind: str, name: str) -> JsonSchema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _message(name: str, payload: JsonSchema) -> dict[str, Any]:
    return {"name": name.removeprefix("push_"), "payload": payload}


def _channel(address: str, description: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": address,
        "description": description,
        "servers": [{"$ref": "#/servers/gateway"}],
        "messages": {name: _reference("messages", name) for name in messages},
    }


def _operation(action: str, channel: str, messages: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


class _Plain(yaml.SafeDumper):
    """Writes every value in full: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text() -> str:
    """The document as YAML."""
    note = "# Written by `python -m rte_testkit.asyncapi_document`; a test keeps it up to date.\n"
    return note + yaml.dump(document(), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text())
