"""From Clerk's signed webhook to rows, whatever the order and however often."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from pydantic import TypeAdapter
from standardwebhooks import Webhook

from rte_auth_sync import clerk
from rte_auth_sync.main import create_app
from rte_auth_sync.members import Sync
from rte_auth_sync.settings import Settings
from rte_common import database
from rte_common.settings import DatabaseSettings, TeamMode
from rte_devstack import testing
from rte_devstack.clerk.tokens import new_id
from rte_devstack.nats import Nats
from rte_devstack.serving import ready, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SAMPLES = Path(__file__).parents[3] / "libs/devstack/tests/clerk_samples"
TEAM = "org_2JBiA2YvrWNBRd6EHqsy1n886g0"
USER = "user_2z0F79U7HzUrRZ8zY7qF6k8EEK6"

Deliver = Callable[..., Awaitable[httpx.Response]]


def sample(name: str) -> dict[str, Any]:
    """A body as Clerk sends it."""
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return body


def signed(
    body: bytes, *, message_id: str = "msg_1", secret: str = SECRET, at: datetime | None = None
) -> dict[str, str]:
    """Svix's headers for a body."""
    moment = at or datetime.now(UTC)
    return {
        "svix-id": message_id,
        "svix-timestamp": str(int(moment.timestamp())),
        "svix-signature": Webhook(secret).sign(message_id, moment, body.decode()),
    }


def settings(postgres: testing.Database, nats_url: str, mode: TeamMode = TeamMode.SINGLE) -> Settings:
    """As in production, with a secret that is being rotated."""
    return Settings.model_validate(
        {
            "database_url": postgres.url("rte_auth_sync"),
            "nats_url": nats_url,
            "team_mode": mode,
            "clerk_webhook_secret": f"whsec_b2xkIHNlY3JldCBvbGQgc2VjcmV0,{SECRET}",
        }
    )


@pytest.fixture
async def http(postgres: testing.Database, nats_server: testing.Broker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of auth-sync as it runs."""
    async with (
        serving(create_app(settings(postgres, nats_server.url))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        await ready(url)
        yield client


async def post(client: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """Deliver as Svix does."""
    return await client.post("/webhooks/clerk", content=body, headers=headers)


async def test_a_signed_user_created_becomes_a_row(http: httpx.AsyncClient, postgres: testing.Database) -> None:
    body = (SAMPLES / "user.created.json").read_bytes()

    answer = await post(http, body, signed(body))

    assert answer.status_code == 204
    await postgres.until(
        f"select name, email from users where id = '{USER}'",
        "Inês Valadares|ines.valadares@kestrel-harbour.example",
    )
    assert postgres.execute("select team_id, role from memberships") == "default|member"


REFUSED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "no headers": lambda body: {},
    "another secret": lambda body: signed(body, secret="whsec_c29tZWJvZHkgZWxzZQ=="),
    "another body": lambda body: signed(body + b" "),
    "too old": lambda body: signed(body, at=datetime.now(UTC) - timedelta(minutes=6)),
    "from the future": lambda body: signed(body, at=datetime.now(UTC) + timedelta(minutes=6)),
    "signature without comma": lambda body: signed(body) | {"svix-signature": "v1"},
    "signature with two commas": lambda body: signed(body) | {"svix-signature": "v1,a,b"},
    "signature not base64": lambda body: signed(body) | {"svix-signature": "v1,$"},
    "timestamp not a number": lambda body: signed(body) | {"svix-timestamp": "now"},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_not_signed_by_clerk_is_refused(
    case: str, http: httpx.AsyncClient, postgres: testing.Database
) -> None:
    body = (SAMPLES / "user.created.json").read_bytes()

    answer = await post(http, body, REFUSED[case](body))

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/bad-webhook-signature"
    assert postgres.execute("select count(*) from users") == "0"


async def test_a_signature_that_nobody_can_read_hides_no_genuine_one(http: httpx.AsyncClient) -> None:
    body = (SAMPLES / "user.created.json").read_bytes()
    headers = signed(body, message_id=new_id("msg"))
    headers["svix-signature"] = f"v1,a,b v1 v2,$ v1,abc {headers['svix-signature']} v1a,x"

    assert (await post(http, body, headers)).status_code == 204


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"first_name": "In\0es", "last_name": "\ud800V"}, "Ines \ufffdV"),
        ({"first_name": "x" * 100_000, "last_name": None}, "x" * 200),
        ({"first_name": "\u202eInes\u202c", "last_name": ""}, "Ines"),
        ({"first_name": "\u200b", "last_name": None, "username": "ines"}, "ines"),
        ({"first_name": "\u3164", "last_name": None, "username": None}, "Somebody"),
        ({"first_name": "C:\\u0000", "last_name": None}, "C:\\u0000"),
        (
            {"first_name": "Ines", "last_name": "\U0001f600", "image_url": "https://x/" + "y" * 100_000},
            "Ines \U0001f600",
        ),
    ],
)
async def test_names_that_no_page_can_show_are_cleaned(
    http: httpx.AsyncClient, postgres: testing.Database, changed: dict[str, Any], name: str
) -> None:
    event = sample("user.created")
    body = json.dumps(event | {"data": event["data"] | changed}).encode()

    assert (await post(http, body, signed(body, message_id=new_id("msg")))).status_code == 204
    await postgres.until("select name from users", name)


@pytest.mark.parametrize(
    "changed", [{"updated_at": 1e300}, {"updated_at": -1e18}, {"id": ""}, {"id": "a b"}, {"id": "x" * 9999}]
)
async def test_what_can_never_be_applied_is_buried_at_once(
    http: httpx.AsyncClient, nats_server: testing.Broker, changed: dict[str, Any]
) -> None:
    event = sample("user.created")
    body = json.dumps(event | {"data": event["data"] | changed}).encode()

    assert (await post(http, body, signed(body, message_id=new_id("msg")))).status_code == 204
    client = await nats.connect(nats_server.url)
    dead = await client.jetstream().subscribe("rte.dead.auth-sync", ordered_consumer=True)
    message = await dead.next_msg(timeout=20)
    await client.close()
    assert message.headers is not None
    assert "not understood" in message.headers["Rte-Reason"]


async def test_a_body_that_is_not_utf8_is_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, b"\xff\xfe", signed(b"{}"))

    assert answer.status_code == 400


async def test_a_signed_body_that_is_no_event_is_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, b"[]", signed(b"[]"))

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/not-a-clerk-event")


async def test_a_huge_body_is_refused_before_it_is_read_to_the_end(http: httpx.AsyncClient) -> None:
    body = b"x" * (1024 * 1024 + 1)

    assert (await post(http, body, signed(body))).status_code == 413


async def test_types_that_we_do_not_use_are_acknowledged_and_not_kept(
    http: httpx.AsyncClient, nats_server: testing.Broker
) -> None:
    body = (SAMPLES / "email.created.json").read_bytes()

    assert (await post(http, body, signed(body))).status_code == 204
    assert await stored(nats_server.url) == 0


async def test_a_repeated_delivery_is_kept_once(http: httpx.AsyncClient, nats_server: testing.Broker) -> None:
    body = (SAMPLES / "user.created.json").read_bytes()

    answers = [await post(http, body, signed(body, message_id="msg_twice")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert await stored(nats_server.url) == 1


async def stored(nats_url: str) -> int:
    """How many webhooks the stream holds."""
    import nats

    client = await nats.connect(nats_url)
    try:
        return (await client.jetstream().stream_info("CLERK")).state.messages
    finally:
        await client.close()


async def test_without_nats_clerk_is_asked_to_come_again_and_then_nothing_is_lost(
    postgres: testing.Database, private_nats: Callable[[], Nats]
) -> None:
    server = private_nats()
    body = (SAMPLES / "user.created.json").read_bytes()
    async with (
        serving(create_app(settings(postgres, server.url))) as url,
        httpx.AsyncClient(base_url=url, timeout=15) as client,
    ):
        await ready(url)
        server.kill()
        refused = await post(client, body, signed(body))
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            while (await post(client, body, signed(body))).status_code != 204:
                await asyncio.sleep(0.1)
        await postgres.until("select count(*) from users", "1")

    assert refused.status_code == 503
    assert refused.headers["retry-after"]


EVENT: TypeAdapter[clerk.Message] = TypeAdapter(clerk.Message)


def later(body: dict[str, Any], seconds: int, **data: Any) -> clerk.Message:
    """The event as if it had happened `seconds` later, with changed data."""
    changed = body["data"] | data
    if "updated_at" in changed:
        changed["updated_at"] += seconds * 1000
    return EVENT.validate_python(body | {"data": changed, "timestamp": body["timestamp"] + seconds * 1000})


def story(name: str) -> list[clerk.Message]:
    """Events in the order in which they happened; the end is the same in whatever order they come."""
    created, joined = sample("user.created"), sample("organizationMembership.created")
    renamed = later(created | {"type": "user.updated"}, 60, first_name="Ines Maria")
    promoted = later(joined | {"type": "organizationMembership.updated"}, 120, role="org:admin")
    left = later(sample("organizationMembership.deleted"), 180)
    gone = later(sample("user.deleted"), 240)
    begin = [later(created, 0), later(joined, 0)]
    return {
        "renamed": [*begin, renamed],
        "promoted": [*begin, promoted],
        "left": [*begin, promoted, left],
        "left and came back": [*begin, left, later(joined, 30 * 24 * 3600)],
        "deleted": [*begin, renamed, gone],
    }[name]


ENDS = {
    "renamed": ("Ines Maria Valadares", "org:member|member"),
    "promoted": ("Inês Valadares", "org:member|admin"),
    "left": ("Inês Valadares", ""),
    "left and came back": ("Inês Valadares", "org:member|member"),
    "deleted": ("Former member", ""),
}


@pytest.mark.parametrize("name", ENDS)
async def test_in_whatever_order_messages_come_the_end_is_the_same(name: str, postgres: testing.Database) -> None:
    ends = set()
    rte_settings = DatabaseSettings.model_validate({"database_url": postgres.url("rte_auth_sync")})
    async with database.connect(rte_settings, application_name="test") as db:
        sync = Sync(db, TeamMode.ORGANIZATIONS)
        for order in itertools.permutations(story(name)):
            for event in order:
                await sync.apply(event)
                await sync.apply(event)  # each comes twice, too
            ends.add(
                postgres.execute(
                    "select name from users; select 'org:member|' || role from memberships;"
                    "truncate users, teams, memberships, membership_tombstones cascade"
                )
            )

    user, membership = ENDS[name]
    assert ends == {f"{user}\n{membership}".strip()}


async def test_what_somebody_was_on_goes_with_them_and_their_history_stays(postgres: testing.Database) -> None:
    rte_settings = DatabaseSettings.model_validate({"database_url": postgres.url("rte_auth_sync")})
    async with database.connect(rte_settings, application_name="test") as db:
        sync = Sync(db, TeamMode.ORGANIZATIONS)
        begin = story("left")
        for event in begin[:-1]:
            await sync.apply(event)
        postgres.execute(
            f"insert into expectations (team_id, user_id, title) values ('{TEAM}', '{USER}', 'On it');"
            "insert into expectations (team_id, user_id, title, is_done, done_at)"
            f" values ('{TEAM}', '{USER}', 'Done', true, clock_timestamp())"
        )
        await sync.apply(begin[-1])

    assert postgres.execute("select title from expectations") == "Done"


async def test_a_session_that_was_ended_is_told_to_the_team(postgres: testing.Database) -> None:
    body = sample("session.created") | {"type": "session.revoked"}
    postgres.execute(
        f"insert into users (id, name) values ('{body['data']['user_id']}', 'Ines');"
        f"insert into memberships (team_id, user_id, role) values ('default', '{body['data']['user_id']}', 'member');"
        "delete from outbox"
    )
    rte_settings = DatabaseSettings.model_validate({"database_url": postgres.url("rte_auth_sync")})
    async with database.connect(rte_settings, application_name="test") as db:
        await Sync(db, TeamMode.SINGLE).apply(EVENT.validate_python(body))

    told = postgres.execute("select subject, payload->'record'->>'session_id' from outbox")
    assert told == f"rte.events.session.revoked.default.{body['data']['user_id']}|{body['data']['id']}"
