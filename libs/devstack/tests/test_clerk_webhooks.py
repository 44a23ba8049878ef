"""Webhooks of the Clerk stand-in: Clerk's bodies, Svix's signatures and Svix's persistence."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from openapi_schema_validator import OAS30Validator
from standardwebhooks import Webhook
from starlette.responses import Response

from rte_devstack.clerk import Settings, create_app
from rte_devstack.serving import serving

from .clerk_receiver import SECRET_KEY, WEBHOOK_SECRET, Delivery, Receiver

HERE = Path(__file__).parent
SPEC = HERE / "schemas" / "clerk-webhooks-2025-04-15.openapi.yml"
SAMPLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "clerk_samples").glob("*.json")}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(SPEC.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    received = Receiver()
    async with serving(received.app()) as url:
        yield received, f"{url}/webhooks/clerk"


@asynccontextmanager
async def clerk(folder: Path, endpoint: str, retry_scale: float = 0) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        state_dir=folder,
        clerk_webhook_secret=(WEBHOOK_SECRET,),
        clerk_secret_key=SECRET_KEY,
        webhook_url=endpoint,
        retry_scale=retry_scale,
    )
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


def violations(spec: dict[str, Any], envelope: dict[str, Any]) -> list[str]:
    operation = spec["x-webhooks"][envelope["type"]]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    found = OAS30Validator({**schema, "components": spec["components"]}).iter_errors(envelope)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


async def change_everything(http: httpx.AsyncClient) -> None:
    user = (await http.post("/devstack/users", json={"first_name": "Inês", "email_address": "ines@example.com"})).json()
    await http.patch(f"/devstack/users/{user['id']}", json={"last_name": "Prado", "image_url": "https://img.example/1"})
    lab = (await http.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})).json()
    await http.patch(f"/devstack/organizations/{lab['id']}", json={"name": "Labs"})
    joined = (await http.post("/devstack/memberships", json={"organization_id": "lab", "user_id": user["id"]})).json()
    await http.patch(f"/devstack/memberships/{joined['id']}", json={"role": "org:admin"})
    session = (await http.post("/devstack/sessions", json={"member": "ines@example.com"})).json()
    await http.delete(f"/devstack/sessions/{session['id']}")
    await http.delete(f"/devstack/memberships/{joined['id']}")
    await http.delete(f"/devstack/organizations/{lab['id']}")
    await http.delete(f"/devstack/users/{user['id']}")


KINDS = ("user", "organization", "organizationMembership")
VERBS = ("created", "updated", "deleted")
EVENTS = {f"{kind}.{verb}" for kind in KINDS for verb in VERBS} | {"session.created", "session.removed"}


async def test_every_change_is_told_in_bodies_that_satisfy_clerks_schema(
    receiver: tuple[Receiver, str], tmp_path: Path, spec: dict[str, Any]
) -> None:
    received, endpoint = receiver
    async with clerk(tmp_path, endpoint) as http:
        await change_everything(http)
        deliveries = [await received.next() for _ in EVENTS]

    envelopes = {envelope["type"]: envelope for envelope in (json.loads(each.body) for each in deliveries)}
    assert set(envelopes) == EVENTS
    for event, envelope in envelopes.items():
        if event.startswith("session."):
            # The base schema allows no further property and so contradicts the `user` that the events' schema requires.
            without_user = {name: value for name, value in envelope["data"].items() if name != "user"}
            assert violations(spec, {**envelope, "type": "user.created", "data": envelope["data"]["user"]}) == []
            assert list(OAS30Validator(session_schema(spec)).iter_errors(without_user)) == []
        else:
            assert violations(spec, envelope) == [], event
    for event, sample in SAMPLES.items():
        if event in envelopes:
            assert set(envelopes[event]) == set(sample), event
            optional = {"latest_activity"}  # where the browser was; a stand-in has none
            assert set(envelopes[event]["data"]) == set(sample["data"]) - optional, event


def session_schema(spec: dict[str, Any]) -> dict[str, Any]:
    return {"$ref": "#/components/schemas/Session", "components": spec["components"]}


def test_the_samples_themselves_satisfy_the_schema_but_for_the_known_exception(spec: dict[str, Any]) -> None:
    wrong = {event for event, sample in SAMPLES.items() if violations(spec, sample)}

    assert wrong == {"session.created"}


async def test_deliveries_are_signed_as_svix_signs(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    received, endpoint = receiver
    async with clerk(tmp_path, endpoint) as http:
        await http.post("/devstack/users", json={"first_name": "Inês"})
        delivery = await received.next()

    verified = Webhook(WEBHOOK_SECRET).verify(delivery.body, as_standard(delivery))
    assert verified["data"]["first_name"] == "Inês"
    assert delivery.headers["svix-id"].startswith("msg_")


def as_standard(delivery: Delivery) -> dict[str, str]:
    return {name.replace("svix-", "webhook-"): value for name, value in delivery.headers.items()}


async def test_a_refused_delivery_comes_again_under_the_same_id_until_it_is_taken(
    receiver: tuple[Receiver, str], tmp_path: Path
) -> None:
    received, endpoint = receiver
    received.answers.extend([Response(status_code=500), Response(status_code=307, headers={"location": endpoint})])
    async with clerk(tmp_path, endpoint) as http:
        await http.post("/devstack/users", json={"first_name": "Alex"})
        deliveries = [await received.next() for _ in range(3)]
        message = await settled(http)

    assert len({each.headers["svix-id"] for each in deliveries}) == 1
    assert len({each.body for each in deliveries}) == 1
    assert [attempt["outcome"] for attempt in message["attempts"]] == [500, 307, 200]
    assert message["status"] == "delivered"


async def settled(http: httpx.AsyncClient) -> dict[str, Any]:
    """Ask until the only message is no longer under way."""
    async with asyncio.timeout(20):
        while True:
            [message] = (await http.get("/devstack/webhooks")).json()
            if message["status"] != "pending":
                return dict(message)


async def test_after_eight_attempts_it_is_given_up(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    received, endpoint = receiver
    received.answers.extend(Response(status_code=503) for _ in range(8))
    async with clerk(tmp_path, endpoint) as http:
        await http.post("/devstack/users", json={"first_name": "Alex"})
        message = await settled(http)

    assert (message["status"], len(message["attempts"])) == ("failed", 8)


async def test_the_endpoint_can_stop_the_retries_of_a_message(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    received, endpoint = receiver
    received.answers.append(Response(status_code=400, headers={"webhook-delivery": "abort-message"}))
    async with clerk(tmp_path, endpoint) as http:
        await http.post("/devstack/users", json={"first_name": "Alex"})
        message = await settled(http)

    assert (message["status"], len(message["attempts"])) == ("failed", 1)


async def test_what_is_not_delivered_yet_is_delivered_after_a_restart(
    receiver: tuple[Receiver, str], tmp_path: Path
) -> None:
    received, endpoint = receiver
    received.answers.append(Response(status_code=500))
    async with clerk(tmp_path, endpoint, retry_scale=0.001) as http:
        await http.post("/devstack/users", json={"first_name": "Alex"})
        first = await received.next()
    async with clerk(tmp_path, endpoint, retry_scale=0.001) as http:
        second = await received.next()
        message = await settled(http)

    assert first.headers["svix-id"] == second.headers["svix-id"]
    assert [attempt["outcome"] for attempt in message["attempts"]][-1] == 200


async def test_a_message_can_be_replayed(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    received, endpoint = receiver
    async with clerk(tmp_path, endpoint) as http:
        await http.post("/devstack/users", json={"first_name": "Alex"})
        first = await received.next()
        await settled(http)
        answer = await http.post("/devstack/webhooks/replay", json={"svix_id": first.headers["svix-id"]})
        second = await received.next()

    assert answer.status_code == 200
    assert (second.headers["svix-id"], second.body) == (first.headers["svix-id"], first.body)
