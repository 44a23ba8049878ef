"""The demo team fills an empty stack, through webhooks and REST, and a second time changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import pytest
import pytest_asyncio
from fastapi import FastAPI, Header, Request
from starlette.responses import JSONResponse

from rte_common.settings import TeamMode
from rte_devstack import demo
from rte_devstack.clerk import Settings, create_app
from rte_devstack.serving import serving
from rte_devstack.testing import Database

from .clerk_receiver import SECRET_KEY, WEBHOOK_SECRET


class Product:
    """What the demo needs of auth-sync and the api, by their contract; the whole-system tests use the real ones."""

    def __init__(self, database: Database, mode: TeamMode) -> None:
        self.database = database
        self.mode = mode
        self.known: set[str] = set()
        self.expectations: list[dict[str, Any]] = []
        self.app = FastAPI()
        self.app.post("/webhooks/clerk")(self._webhook)
        self.app.get("/api/v1/team/members")(self._members)
        self.app.post("/api/v1/expectations", status_code=201)(self._publish)

    def of(self, member: demo.DemoMember) -> list[str]:
        return [each["title"] for each in self.expectations if each["user_id"] == member.id]

    async def _webhook(self, request: Request) -> None:
        event = json.loads(await request.body())
        if event["type"] == "organizationMembership.created":
            organization, user = event["data"]["organization"]["id"], event["data"]["public_user_data"]
            team = organization if self.mode is TeamMode.ORGANIZATIONS else "default"
            await asyncio.to_thread(
                self.database.execute,
                f"insert into teams (id, name) values ('{team}', 'Team') on conflict do nothing;"
                f"insert into users (id, name) values ('{user['user_id']}', 'Somebody') on conflict do nothing;"
                f"insert into memberships values ('{team}', '{user['user_id']}', 'member') on conflict do nothing;"
                "delete from outbox",
            )
            self.known.add(user["user_id"])

    async def _members(self) -> dict[str, Any]:
        return {"items": [{"id": known} for known in self.known], "next_cursor": None}

    async def _publish(self, new: dict[str, Any], authorization: Annotated[str, Header()]) -> Any:
        user_id = caller(authorization)
        if user_id not in self.known:
            return JSONResponse({"type": "/problems/member-not-yet-known"}, 503)
        if any(each["user_id"] == user_id for each in self.expectations):
            return JSONResponse({"type": "/problems/active-expectation-exists"}, 409)
        made = {**new, "id": str(len(self.expectations)), "user_id": user_id}
        self.expectations.append(made)
        return made


def caller(authorization: str) -> str:
    return str(jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})["sub"])


@pytest.fixture(params=[TeamMode.SINGLE])
def product(request: pytest.FixtureRequest, postgres: Database) -> Product:
    return Product(postgres, request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def api_url(product: Product) -> AsyncIterator[str]:
    async with serving(product.app) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def clerk_url(product: Product, api_url: str, tmp_path: Path) -> AsyncIterator[str]:
    async with serving(create_app(settings(tmp_path, api_url, product.mode))) as url:
        yield url


@pytest.fixture
def fill(product: Product, api_url: str, clerk_url: str) -> Callable[[], Awaitable[None]]:
    """Fill the demo team in, as a start does."""
    return lambda: demo.fill(clerk_url, api_url, product.database.url(), product.mode)


in_organizations = pytest.mark.parametrize("product", [TeamMode.ORGANIZATIONS], indirect=True)


def settings(folder: Path, api_url: str, mode: TeamMode) -> Settings:
    return Settings.model_validate(
        {
            "state_dir": folder,
            "clerk_webhook_secret": WEBHOOK_SECRET,
            "clerk_secret_key": SECRET_KEY,
            "webhook_url": f"{api_url}/webhooks/clerk",
            "team_mode": mode,
        }
    )


def rows(database: Database) -> str:
    return database.execute("select * from expectations order by id") + database.execute("select * from reports")


def history_of(database: Database, member: demo.DemoMember) -> int:
    return int(database.execute(f"select count(*) from expectations where is_done and user_id = '{member.id}'"))


async def test_every_member_becomes_known_with_a_current_expectation_and_history(
    product: Product, fill: Callable[[], Awaitable[None]]
) -> None:
    await fill()
    first = json.dumps(product.expectations), rows(product.database)
    await fill()

    assert (json.dumps(product.expectations), rows(product.database)) == first
    for member in (demo.ALEX, demo.MARIA, demo.SOPHIA):
        assert product.of(member) == [member.expectation]
        assert history_of(product.database, member) > 50
    assert product.of(demo.DAVID) == []
    assert history_of(product.database, demo.DAVID) > 50
    assert product.of(demo.NORA) == []


async def test_what_members_did_since_stays_as_they_left_it(
    product: Product, fill: Callable[[], Awaitable[None]]
) -> None:
    await fill()
    product.expectations[:] = []  # everybody has withdrawn what they were on
    await fill()

    assert product.expectations == []


async def test_a_past_of_their_own_is_not_mixed_with_a_made_up_one(
    product: Product, fill: Callable[[], Awaitable[None]]
) -> None:
    product.database.execute(
        f"insert into users (id, name) values ('{demo.MARIA.id}', 'Maria');"
        "insert into expectations (team_id, user_id, title, is_done, done_at)"
        f" values ('default', '{demo.MARIA.id}', 'Her own', true, now())"
    )
    await fill()

    assert product.database.execute("select title from expectations") == "Her own"
    assert product.expectations == []


async def test_a_start_that_was_interrupted_is_finished_by_the_next(
    product: Product, fill: Callable[[], Awaitable[None]]
) -> None:
    product.expectations[:] = [{"id": "0", "user_id": demo.MARIA.id, "title": demo.MARIA.expectation}]
    await fill()

    assert product.of(demo.MARIA) == [demo.MARIA.expectation]
    assert product.of(demo.SOPHIA) == [demo.SOPHIA.expectation]
    assert history_of(product.database, demo.MARIA) > 50


@in_organizations
async def test_with_organizations_northwind_is_there_too(
    product: Product, fill: Callable[[], Awaitable[None]], clerk_url: str
) -> None:
    await fill()
    async with httpx.AsyncClient(base_url=clerk_url) as http:
        token = (await http.post("/devstack/tokens", json={"member": "nora"})).json()["token"]

    assert product.of(demo.OTTO) == [demo.OTTO.expectation]
    active = jwt.decode(token, options={"verify_signature": False})["o"]
    assert active == {"id": demo.NORTHWIND.id, "rol": "admin", "slg": "northwind"}
    teams = product.database.execute("select distinct team_id from expectations order by 1").splitlines()
    assert teams == sorted([demo.KESTREL.id, demo.NORTHWIND.id])


async def test_a_member_who_does_not_become_known_is_named(product: Product, api_url: str, tmp_path: Path) -> None:
    # Webhooks go nowhere, so that nobody is ever known.
    deaf = settings(tmp_path, api_url, TeamMode.SINGLE).model_copy(update={"webhook_url": None})
    async with serving(create_app(deaf)) as clerk_url:
        with pytest.raises(demo.DemoNotFilled, match=r"is not known to the api after 0.2 s.*does not list"):
            await asyncio.wait_for(demo.fill(clerk_url, api_url, product.database.url(), seconds=0.2), 20)


def test_ids_have_clerks_length() -> None:
    assert {len(member.id) for member in demo.MEMBERS} == {len("user_") + 27}
