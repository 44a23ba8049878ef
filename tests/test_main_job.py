"""The main job through the whole stack: a new expectation is on every screen of its team, and nowhere else.

Everything is real but Clerk: Traefik, the four services, Postgres, NATS, and the official clients.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from rte_devstack import demo
from rte_devstack.postgres import psql
from rte_devstack.stack import Stack
from rte_testkit.official_clients import OfficialClient

EVERYTHING = [{"event": "*", "schema": "public", "table": "expectations"}]


class Browser:
    """A member with a session, using REST through Traefik."""

    def __init__(self, http: httpx.AsyncClient, stack: Stack, member_id: str) -> None:
        self._http = http
        self._stack = stack
        self.member_id = member_id

    async def token(self) -> str:
        """A fresh session token, as Clerk's script fetches one for each request."""
        answer = await self._http.post(f"{self._stack.url('clerk')}/devstack/tokens", json={"member": self.member_id})
        return str(answer.json()["token"])

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the api."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        return await self._http.request(
            method, f"{self._stack.url('traefik')}/api/v1{path}", json=body, headers=headers
        )

    async def current(self) -> dict[str, Any] | None:
        """The member's current expectation."""
        items = (await self.call("GET", "/expectations?status=active")).json()["items"]
        return next((item for item in items if item["user"]["id"] == self.member_id), None)

    async def complete(self) -> dict[str, Any] | None:
        """Complete the current expectation, if there is one."""
        current = await self.current()
        if current is None:
            return None
        answer = await self.call("POST", f"/expectations/{current['id']}/complete")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def publish(self, title: str, due_in: timedelta = timedelta(days=1)) -> dict[str, Any]:
        """Publish an expectation that is due then, after completing the one before."""
        await self.complete()
        due = (datetime.now(UTC) + due_in).isoformat()
        answer = await self.call("POST", "/expectations", {"title": title, "estimated_completion": due})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def watch(self, kind: str, topic: str = "expectations:active", **wish: Any) -> OfficialClient:
        """Join a channel with an official client."""
        client = await OfficialClient.start(
            kind,
            url=f"{self._stack.url('traefik', 'ws')}/realtime/v1",
            topic=topic,
            token=await self.token(),
            **{"changes": EVERYTHING, **wish},
        )
        await client.subscribed()
        return client


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """HTTP that asks no proxy."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def two_teams(start_stack: Callable[..., Stack]) -> Stack:
    """A second stack, in which teams are Clerk organizations."""
    return start_stack(TEAM_MODE="organizations")


@pytest.mark.parametrize("kind", ["python", "js-2.109"])
async def test_what_alex_publishes_changes_and_completes_is_on_marias_screen(
    kind: str, stack: Stack, http: httpx.AsyncClient
) -> None:
    alex, maria = Browser(http, stack, demo.ALEX.id), Browser(http, stack, demo.MARIA.id)
    await alex.complete()
    screen = await maria.watch(kind)
    try:
        published = await alex.publish("Finalize the launch plan")
        inserted = await screen.heard("change", eventType="INSERT")
        psql(stack.postgres.url(), f"update expectations set title = 'By hand' where id = '{published['id']}'")
        by_hand = await screen.heard("change", eventType="UPDATE")
        await alex.complete()
        completed = await screen.heard("change", 2, eventType="UPDATE")
    finally:
        await screen.stop()

    assert inserted["new"]["title"] == "Finalize the launch plan"
    assert {key: inserted["new"][key] for key in ("id", "user_id", "team_id", "is_done", "version")} == {
        "id": published["id"],
        "user_id": demo.ALEX.id,
        "team_id": "default",
        "is_done": False,
        "version": 1,
    }
    assert (by_hand["new"]["title"], by_hand["old"]["title"]) == ("By hand", "Finalize the launch plan")
    assert (completed["new"]["is_done"], completed["old"]["is_done"]) == (True, False)
    assert completed["new"]["version"] == 3


async def test_while_nats_is_down_a_post_is_201_and_its_event_arrives_once_afterwards(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    alex, maria = Browser(http, stack, demo.ALEX.id), Browser(http, stack, demo.MARIA.id)
    await alex.complete()
    screen = await maria.watch("python")
    try:
        state = stack.folder.running()
        assert state is not None
        os.kill(state.programs["nats"].pid, signal.SIGKILL)  # the supervisor starts it again
        published = await alex.publish("While the broker was away")
        await screen.heard("change", eventType="INSERT")
        await alex.complete()
        await screen.heard("change", eventType="UPDATE")
    finally:
        await screen.stop()

    changes = [(change["eventType"], change["new"]["id"]) for change in screen.all("change")]
    assert changes == [("INSERT", published["id"]), ("UPDATE", published["id"])]


async def test_who_asks_for_an_export_is_told_when_it_is_ready(stack: Stack, http: httpx.AsyncClient) -> None:
    alex, maria = Browser(http, stack, demo.ALEX.id), Browser(http, stack, demo.MARIA.id)
    announced = {"broadcasts": ["export.ready"], "changes": []}
    screen = await alex.watch("python", f"expectations:user:{alex.member_id}", **announced)
    other = await maria.watch("python", f"expectations:user:{maria.member_id}", **announced)
    try:
        ids = [(await member.call("POST", "/exports", {"format": "csv"})).json()["id"] for member in (alex, maria)]
        ready = await screen.heard("broadcast", event="export.ready")
        await other.heard("broadcast", event="export.ready")
        link = (await alex.call("GET", f"/exports/{ready['payload']['id']}")).json()
    finally:
        await screen.stop()
        await other.stop()

    assert [[said["payload"]["id"] for said in one.all("broadcast")] for one in (screen, other)] == [[id] for id in ids]
    assert link["status"] == "ready"
    assert link["url"]


@pytest.mark.parametrize("kind", ["python", "js-2.109"])
async def test_who_is_overdue_is_reminded_at_once_and_nobody_else(
    kind: str, stack: Stack, http: httpx.AsyncClient
) -> None:
    alex, maria = Browser(http, stack, demo.ALEX.id), Browser(http, stack, demo.MARIA.id)
    every_day = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "nothing_set_at": None}
    for member in (alex, maria):
        await member.complete()
        await member.call("PATCH", "/me", {"notifications": every_day})
    announced = {"broadcasts": ["reminder"], "changes": []}
    screen = await alex.watch(kind, f"expectations:user:{alex.member_id}", **announced)
    other = await maria.watch(kind, f"expectations:user:{maria.member_id}", **announced)
    try:
        published = [await member.publish("Call", timedelta(seconds=2)) for member in (alex, maria)]
        await screen.heard("broadcast", event="reminder")
        await other.heard("broadcast", event="reminder")
    finally:
        await screen.stop()
        await other.stop()

    for member, one, expectation in zip((alex, maria), (screen, other), published, strict=True):
        (reminder,) = [said["payload"] for said in one.all("broadcast")]
        assert (reminder["kind"], reminder["expectation_id"], reminder["title"]) == (
            "overdue",
            expectation["id"],
            "Call",
        )
        listed = (await member.call("GET", "/notifications?limit=1")).json()["items"][0]
        assert same_times(reminder) == same_times({name: listed[name] for name in reminder})


def same_times(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its times read: Postgres drops the zeros at their end."""
    times = {name: datetime.fromisoformat(record[name]) for name in ("created_at", "estimated_completion")}
    return record | times


async def test_another_team_sees_neither_row_nor_event(two_teams: Stack, http: httpx.AsyncClient) -> None:
    alex, nora = Browser(http, two_teams, demo.ALEX.id), Browser(http, two_teams, demo.NORA.id)
    strangers_screen = await nora.watch("python")
    try:
        published = await alex.publish("Nothing for Northwind")
        # What Nora does afterwards comes after it: when that has arrived, Alex's event would have, too.
        fence = await nora.publish("Count the crates")
        await strangers_screen.heard("change", eventType="INSERT")
    finally:
        await strangers_screen.stop()

    listed = (await nora.call("GET", "/expectations?status=all")).json()["items"]
    assert {item["user"]["id"] for item in listed} <= {demo.NORA.id, demo.OTTO.id}
    assert fence["id"] in {item["id"] for item in listed}
    assert {change["new"]["user_id"] for change in strangers_screen.all("change")} == {demo.NORA.id}
    refused = await nora.call("POST", f"/expectations/{published['id']}/complete")
    assert refused.status_code == 404


async def test_who_signs_up_at_clerk_is_a_member_a_moment_later_and_out_when_deleted_there(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    user = {"first_name": "Priya", "last_name": "Raman", "email_address": "priya@example.com"}
    made = (await http.post(f"{stack.url('clerk')}/devstack/users", json=user)).json()
    priya = Browser(http, stack, made["id"])
    async with asyncio.timeout(20):
        while (answer := await priya.call("GET", "/me")).status_code == 503:
            await asyncio.sleep(float(answer.headers["retry-after"]) / 10)
    screen = await priya.watch("js-2.109")
    try:
        await http.delete(f"{stack.url('clerk')}/devstack/users/{made['id']}")
        await screen.heard("status", status="CLOSED")
    finally:
        await screen.stop()

    assert answer.status_code == 200
    assert answer.json()["name"] == "Priya Raman"
