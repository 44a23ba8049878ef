"""Broadcasts over HTTP, for clients that are not joined: realtime-js' `httpSend` and Python's `http_send`.

The answers are the real server's (Supabase docs "Broadcast", REST API), not problem+json: official clients read them.
"""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, Response

from rte_common.auth import InvalidToken, KeysUnavailable, Member
from rte_realtime_gateway import metrics
from rte_realtime_gateway.access import authorization
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.limits import MESSAGE_RATES
from rte_realtime_gateway.hub import Hub
from rte_realtime_gateway.protocol.frames import MAX_DEPTH, MAX_HEADER_FIELD, Broadcast, Encoding, is_deep
from rte_realtime_gateway.protocol.messages import PREFIX
from rte_realtime_gateway.rooms.replay import MAX_KEPT_BYTES, NOT_KEPT, seconds_to_keep
from rte_realtime_gateway.rooms.rooms import RoomName
from rte_realtime_gateway.server.state import State

router = APIRouter()

MAX_BATCH = 100
MAX_TTL_DIGITS = 10
TOO_DEEP = f"has more than {MAX_DEPTH} levels"


class Item(BaseModel):
    """One message of a batch; the topic is without `realtime:`."""

    topic: str = Field(min_length=1)
    event: str = Field(min_length=1)
    payload: Any
    private: bool = False


class Batch(BaseModel):
    """The body of the batch endpoint."""

    messages: list[Item] = Field(max_length=MAX_BATCH)


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
        body = await _body(request)
        try:
            batch = Batch.model_validate_json(body)
        except ValidationError as error:
            raise _unprocessable(error) from error
        for item in batch.messages:
            _check(member, item.topic)
        broadcasts = [_encoded(number, item) for number, item in enumerate(batch.messages)]
        _count(hub, member, len(batch.messages))
    except Rejection as rejection:
        return rejection.response
    for item, broadcast in zip(batch.messages, broadcasts, strict=True):
        hub.rooms.broadcast(RoomName(member.team_id, PREFIX + item.topic, item.private), broadcast)
    return Response(status_code=HTTPStatus.ACCEPTED)


# `:path`, because a server decodes %2F before it looks for the route: an event's name may have a slash, a topic's not.
@router.post("/api/broadcast/{topic}/events/{event:path}", status_code=HTTPStatus.ACCEPTED)
async def send_one(topic: str, event: str, request: Request, private: Annotated[bool, Query()] = False) -> Response:
    """Send the body, JSON or bytes, as one message; `persist=true` or `persist[ttl]=<seconds>` keeps a private one."""
    hub = _state(request)["hub"]
    try:
        member = await _member(request)
        broadcast = _broadcast(event, request.headers.get("content-type", ""), await _body(request))
        _check(member, topic)
        _check_size(topic, broadcast)
        seconds = _seconds_to_keep(request, broadcast) if private else None
        _count(hub, member, 1)
        await _send(hub, RoomName(member.team_id, PREFIX + topic, private), broadcast, seconds)
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
        raise Rejection(HTTPStatus.UNAUTHORIZED, {"message": error.detail}) from error
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
                value = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {"body": ["is not JSON"]}}) from error
            if is_deep(body, value):
                raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {"body": [TOO_DEEP]}})
            return Broadcast(event, body)
    raise Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"error": "Send application/json or application/octet-stream"})


def _encoded(number: int, item: Item) -> Broadcast:
    try:
        broadcast = Broadcast(item.event, orjson.dumps(item.payload))
    except orjson.JSONEncodeError as error:  # an integer of more than 64 bits
        errors = {f"messages.{number}.payload": [str(error)]}
        raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": errors}) from error
    if is_deep(broadcast.payload, item.payload):
        raise Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": {f"messages.{number}.payload": [TOO_DEEP]}})
    _check_size(item.topic, broadcast)
    return broadcast


def _check_size(channel: str, broadcast: Broadcast) -> None:
    if broadcast.is_too_large(PREFIX + channel):
        raise Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": "Payload size exceeded"})


def _unprocessable(error: ValidationError) -> Rejection:
    errors: dict[str, list[str]] = {}
    for problem in error.errors(include_input=False):
        errors.setdefault(".".join(map(str, problem["loc"])) or "body", []).append(problem["msg"])
    return Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": errors})


def _check(member: Member, channel: str) -> None:
    try:
        grant = authorization.decide(member, channel)
    except Refused as refusal:
        raise Rejection(HTTPStatus.FORBIDDEN, {"message": refusal.reason}) from refusal
    if not grant.may_write:
        raise Rejection(HTTPStatus.FORBIDDEN, {"message": f"You do not have permissions to write to {channel}"})


def _count(hub: Hub, member: Member, messages: int) -> None:
    if all(hub.limits.may_send(member) for _ in range(messages)):
        return
    metrics.DROPS.labels("message_rate").inc(messages)
    limit = str(int(MESSAGE_RATES.member[0]))
    headers = {"x-rate-rolling": limit, "x-rate-limit": limit, "x-rate-limit-remaining": "0", "retry-after": "1"}
    raise Rejection(HTTPStatus.TOO_MANY_REQUESTS, {"message": "Too many messages per second"}, headers)
