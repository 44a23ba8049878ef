"""Broadcasts over HTTP, for clients that are not joined: realtime-js' `httpSend` and Python's `http_send`.

The answers are the real server's (Supabase docs "Broadcast", REST API), not problem+json: official clients read them.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from starlette.responses import JSONResponse, Response

from rte_common.auth import InvalidToken, KeysUnavailable, Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization, token_gate
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.limits import MESSAGE_RATES
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol import json_text
from rte_realtime_gateway.protocol.frames import MAX_HEADER_FIELD, Broadcast, Encoding
from rte_realtime_gateway.protocol.json_text import BadJson, Part
from rte_realtime_gateway.protocol.messages import PREFIX
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES, NOT_KEPT, seconds_to_keep
from rte_realtime_gateway.rooms.rooms import RoomName
from rte_realtime_gateway.server.state import State

router = APIRouter()

# An empty `private=` is none, as an absent one.
Private = Annotated[bool | None, BeforeValidator(lambda said: said or None), Query()]

MAX_BATCH = 100
MAX_TTL_DIGITS = 10


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("payload is an object")  # noqa: TRY004, pydantic wants it
    return value


class Item(BaseModel):
    """One message of a batch; the topic is without `realtime:`."""

    topic: str = Field(min_length=1)
    event: str = Field(min_length=1)
    payload: Annotated[Any, AfterValidator(_object)]
    private: bool | None = None


Fields = dict[str, Part]
"""The members of one message, as they were sent."""


class Rejection(Exception):
    """Answer to the client instead of 202."""

    def __init__(self, status: HTTPStatus, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.response = JSONResponse(body, status, headers)


@router.post("/api/broadcast", status_code=HTTPStatus.ACCEPTED)
async def send_batch(request: Request) -> Response:
    """Send messages to several channels: all of them, or none."""
    hub = _state(request)["hub"]
    try:
        member = await _member(request)
        batch = [_encoded(number, fields) for number, fields in enumerate(_batch(await _body(request)))]
        for number, (item, _) in enumerate(batch):
            _check(member, item.topic, f"Nothing of the batch was sent, because of messages.{number}: ")
        _count(hub, member, len(batch))
    except Rejection as rejection:
        return rejection.response
    for item, broadcast in batch:
        hub.rooms.broadcast(RoomName(member.team_id, PREFIX + item.topic, item.private is True), broadcast)
    return Response(status_code=HTTPStatus.ACCEPTED)


# `:path`, because a server decodes %2F before it looks for the route: an event's name may have a slash, a topic's not.
@router.post("/api/broadcast/{topic}/events/{event:path}", status_code=HTTPStatus.ACCEPTED)
async def send_one(topic: str, event: str, request: Request, private: Private = None) -> Response:
    """Send the body, JSON or bytes, as one message; `persist=true` or `persist[ttl]=<seconds>` keeps a private one."""
    hub = _state(request)["hub"]
    try:
        member = await _member(request)
        broadcast = _broadcast(event, request.headers.get("content-type", ""), await _body(request))
        _check(member, topic)
        _check_size(topic, broadcast)
        seconds = _seconds_to_keep(request, broadcast) if private else None
        _count(hub, member, 1)
        await _send(hub, RoomName(member.team_id, PREFIX + topic, private is True), broadcast, seconds)
    except Rejection as rejection:
        return rejection.response
    return Response(status_code=HTTPStatus.ACCEPTED)


def _seconds_to_keep(request: Request, broadcast: Broadcast) -> int | None:
    query = request.query_params
    ttl = query.get("persist[ttl]", "")
    has_ttl = ttl.isdecimal() and len(ttl) <= MAX_TTL_DIGITS
    seconds = seconds_to_keep({"ttl": int(ttl)} if has_ttl else query.get("persist") == "true")
    if seconds is not None and len(broadcast.payload) > MAX_KEPT_BYTES:
        message = f"Payload size exceeded: at most {MAX_KEPT_BYTES} bytes can be kept"
        raise Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": message})
    return seconds


async def _send(hub: Hub, room: RoomName, broadcast: Broadcast, seconds: int | None) -> None:
    if seconds is None:
        hub.rooms.broadcast(room, broadcast)
        return
    kept = asyncio.get_running_loop().create_future()
    # Whoever asked may be gone when the answer comes: then nobody waits for it.
    hub.replay.send(room, broadcast, seconds, lambda number: None if kept.done() else kept.set_result(number))
    if await kept is None:
        raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, {"message": NOT_KEPT})


def _state(request: Request) -> State:
    state: State = request.scope["state"]
    return state


async def _member(request: Request) -> Member:
    state = _state(request)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("apikey", "")
    try:
        member = await state["verifier"].verify(token)
    except InvalidToken as error:
        raise Rejection(HTTPStatus.UNAUTHORIZED, {"message": token_gate.reason(error, token)}) from error
    except KeysUnavailable as error:
        raise Rejection(HTTPStatus.SERVICE_UNAVAILABLE, {"message": str(error)}) from error
    if not state["hub"].revocations.allows(member):
        raise Rejection(HTTPStatus.UNAUTHORIZED, {"message": "You are no longer in this team, or signed out"})
    return member


async def _body(request: Request) -> bytes:
    max_bytes = _state(request)["settings"].max_message_bytes
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Payload size exceeded"})
    return body


def _broadcast(event: str, content_type: str, body: bytes) -> Broadcast:
    if not 1 <= len(event.encode()) <= MAX_HEADER_FIELD:
        raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {"event": ["is empty or too long"]}})
    match content_type.partition(";")[0].strip().lower():
        case "application/octet-stream":
            return Broadcast(event, body, Encoding.RAW)
        case "application/json":
            try:
                json_text.read(body)
            except BadJson as error:
                raise _unreadable(body=str(error)) from error
            return Broadcast(event, body)
    raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"error": "Send application/json or application/octet-stream"})


def _batch(body: bytes) -> list[Fields | Part]:
    """The messages of a batch, each member with its text: payloads go on as they were sent."""
    try:
        json_text.check_depth(body)
        batch = json_text.whole(body, json_text.members(messages=_messages))
    except BadJson as error:
        raise _unreadable(body=str(error)) from error
    found = batch.get("messages")
    if not isinstance(found, list):
        raise _unreadable(messages="is an array of messages")
    return found


def _messages(text: str, start: int) -> tuple[Any, int]:
    reader = json_text.elements(_message, MAX_BATCH) if text.startswith("[", start) else json_text.part
    return reader(text, start)


def _message(text: str, start: int) -> tuple[Any, int]:
    reader = json_text.members() if text.startswith("{", start) else json_text.part
    return reader(text, start)


def _encoded(number: int, fields: Fields | Part) -> tuple[Item, Broadcast]:
    try:
        values = fields.value if isinstance(fields, Part) else {name: said.value for name, said in fields.items()}
        item = Item.model_validate(values)
    except ValidationError as error:
        raise _unprocessable(f"messages.{number}", error) from error
    broadcast = Broadcast(item.event, cast(Fields, fields)["payload"].text.encode())
    _check_size(item.topic, broadcast)
    return item, broadcast


def _check_size(channel: str, broadcast: Broadcast) -> None:
    if broadcast.is_too_large(PREFIX + channel):
        raise Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Payload size exceeded"})


def _unprocessable(place: str, error: ValidationError) -> Rejection:
    errors: dict[str, list[str]] = {}
    for problem in error.errors(include_input=False):
        errors.setdefault(".".join([place, *map(str, problem["loc"])]), []).append(problem["msg"])
    return Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": errors})


def _unreadable(**errors: str) -> Rejection:
    return Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {name: [text] for name, text in errors.items()}})


def _check(member: Member, channel: str, prefix: str = "") -> None:
    try:
        grant = authorization.decide(member, channel)
    except Refused as refusal:
        raise Rejection(HTTPStatus.FORBIDDEN, {"message": prefix + refusal.reason}) from refusal
    if not grant.may_write:
        message = f"{prefix}You do not have permissions to write to {channel}"
        raise Rejection(HTTPStatus.FORBIDDEN, {"message": message})


def _count(hub: Hub, member: Member, messages: int) -> None:
    if all(hub.limits.may_send(member) for _ in range(messages)):
        return
    metrics.DROPS.labels("message_rate").inc(messages)
    limit = str(int(MESSAGE_RATES.member[0]))
    headers = {"x-rate-rolling": limit, "x-rate-limit": limit, "x-rate-limit-remaining": "0", "retry-after": "1"}
    raise Rejection(HTTPStatus.TOO_MANY_REQUESTS, {"message": "Too many messages per second"}, headers)
