"""Broadcasts over HTTP, and who may send them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from rte_testkit.bare_client import bare
from rte_testkit.gateway import Gateway, Members

BATCH, TOPIC = "/api/broadcast", "expectations:active"
ONE = f"/api/broadcast/{quote(TOPIC, safe='')}/events/{quote('über/wave ?', safe='')}"


@pytest_asyncio.fixture(loop_scope="session")
async def http(gateway: Gateway, members: Members) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {members.token('user_alex')}", "apikey": "sb_publishable_x"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as client:
        yield client


def message(**fields: Any) -> dict[str, Any]:
    return {"topic": TOPIC, "event": "wave", "payload": {"n": 1}, **fields}


async def test_messages_reach_the_members_of_their_rooms(
    gateway: Gateway, members: Members, http: httpx.AsyncClient
) -> None:
    async with bare(gateway.websocket_url()) as public, bare(gateway.websocket_url()) as private:
        await public.join(members.token("user_maria"))
        await private.join(members.token("user_maria"), private=True)
        batch = {"messages": [message(), message(payload={"n": 2}, private=True)]}
        answers = [
            await http.post(BATCH, json=batch),
            await http.post(ONE, json={"n": 3}),
            await http.post(f"{ONE}?private=true", json={"n": 4}),
        ]
        assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 3
        assert [(await public.hear("broadcast"))["payload"] for _ in range(2)] == [{"n": 1}, {"n": 3}]
        heard = [await private.hear("broadcast") for _ in range(2)]
        assert [one["payload"] for one in heard] == [{"n": 2}, {"n": 4}]
        assert heard[1]["event"] == "über/wave ?"


@pytest.mark.parametrize(
    ("path", "request_options", "status", "key"),
    [
        (BATCH, {"json": {"messages": [message()]}, "headers": {"Authorization": "Bearer a.b.c"}}, 401, "message"),
        (BATCH, {"json": {"messages": [message()]}, "headers": {"Authorization": ""}}, 401, "message"),
        (BATCH, {"json": {"messages": [message(topic="expectations:user:user_maria")]}}, 403, "message"),
        (ONE.replace("active", "elsewhere"), {"json": {}}, 403, "message"),
        (BATCH, {"json": {"messages": [{"topic": TOPIC}]}}, 422, "errors"),
        (BATCH, {"json": {"messages": {}}}, 422, "errors"),
        (BATCH, {"json": {"messages": [5]}}, 422, "errors"),
        (BATCH, {"json": []}, 422, "errors"),
        (BATCH, {"json": {"messages": [message(payload="no object")]}}, 422, "errors"),
        (BATCH, {"json": {"messages": [message()] * 101}}, 422, "errors"),
        (BATCH, {"content": b"{", "headers": {"content-type": "application/json"}}, 422, "errors"),
        (ONE, {"content": b"{", "headers": {"content-type": "application/json"}}, 422, "errors"),
        (BATCH, {"json": {"messages": [message(payload=json.loads("[" * 150 + "]" * 150))]}}, 422, "errors"),
        (ONE, {"content": b"[" * 300 + b"]" * 300, "headers": {"content-type": "application/json"}}, 422, "errors"),
        (ONE.rpartition("/")[0] + "/", {"json": {}}, 422, "errors"),
        (ONE, {"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "error"),
        (
            ONE,
            {"content": b'"' + b"x" * 1_100_000 + b'"', "headers": {"content-type": "application/json"}},
            413,
            "message",
        ),
        ("/api/broadcast/nothing", {"json": {}}, 404, "title"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_the_real_servers_status(
    http: httpx.AsyncClient, path: str, request_options: dict[str, Any], status: int, key: str
) -> None:
    answer = await http.post(path, **request_options)
    assert answer.status_code == status
    assert key in answer.json()


async def test_of_a_batch_that_cannot_be_encoded_nothing_is_sent(
    gateway: Gateway, members: Members, http: httpx.AsyncClient
) -> None:
    async with bare(gateway.websocket_url()) as listener:
        await listener.join(members.token("user_maria"))
        for payload, status in (5, 422), ({"text": "x" * 1_000_000}, 413):
            answer = await http.post(BATCH, json={"messages": [message(event="first"), message(payload=payload)]})
            assert answer.status_code == status
        assert (await http.post(BATCH, json={"messages": [message(event="good")]})).status_code == 202
        assert (await listener.hear("broadcast"))["event"] == "good"


@pytest.mark.parametrize(
    ("fields", "private"),
    [({}, False), ({"private": None}, False), ({"private": False}, False), ({"private": True}, True)],
)
async def test_null_and_empty_are_not_private(
    gateway: Gateway, members: Members, http: httpx.AsyncClient, fields: dict[str, Any], private: bool
) -> None:
    said = "" if fields.get("private") is None else str(fields["private"]).lower()
    async with bare(gateway.websocket_url()) as listener:
        await listener.join(members.token("user_maria"), private=private)
        answers = [
            await http.post(BATCH, json={"messages": [message(**fields, payload={"n": 1})]}),
            await http.post(ONE + f"?private={said}" * ("private" in fields), json={"n": 2}),
        ]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [(await listener.hear("broadcast"))["payload"] for _ in answers] == [{"n": 1}, {"n": 2}]


async def test_a_batch_with_a_forbidden_topic_says_which_and_that_nothing_was_sent(
    gateway: Gateway, members: Members, http: httpx.AsyncClient
) -> None:
    async with bare(gateway.websocket_url()) as listener:
        await listener.join(members.token("user_maria"))
        batch = [message(event="first"), message(topic="expectations:user:user_maria")]
        answer = await http.post(BATCH, json={"messages": batch})
        assert answer.status_code == 403
        assert answer.json()["message"].startswith(
            "Nothing of the batch was sent, because of messages.1: Unauthorized: You do not have permissions"
        )
        assert (await http.post(BATCH, json={"messages": [message(event="good")]})).status_code == 202
        assert (await listener.hear("broadcast"))["event"] == "good"


async def test_too_many_messages_get_429_with_the_rate(gateway: Gateway, members: Members) -> None:
    headers = {"Authorization": f"Bearer {members.token('user_eager', team='org_eager')}"}
    batch = {"messages": [message()] * 100}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as client:
        statuses = [(answer := await client.post(BATCH, json=batch)).status_code for _ in range(30)]
    assert statuses[0] == 202
    assert statuses[-1] == 429
    assert {"x-rate-rolling", "x-rate-limit", "x-rate-limit-remaining"} <= answer.headers.keys()


async def test_pages_of_any_origin_may_ask(http: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = await http.options(ONE, headers={**asked, "Access-Control-Request-Headers": "apikey,authorization"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


async def test_who_leaves_before_the_body_has_come_is_no_error_of_ours(
    gateway: Gateway, http: httpx.AsyncClient
) -> None:
    _, sending = await asyncio.open_connection("127.0.0.1", gateway.port)
    token = http.headers["authorization"]
    head = f"POST /realtime/v1{BATCH} HTTP/1.1\r\nHost: here\r\nAuthorization: {token}\r\nContent-Length: 1000\r\n\r\n"
    sending.write(head.encode() + b"{")
    sending.close()
    await gateway.until_metric("rte_http_request_seconds_count", 1, status="400")
    assert await gateway.metric("rte_http_request_seconds_count", status="500") == 0
