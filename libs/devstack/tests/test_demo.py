"""The demo team fills an empty stack, through webhooks and REST, and a second time changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
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

from .clerk_receiver import SECRET_KEY, WEBHOOK_SECRET


class Product:
    """What the demo needs of auth-sync and the api, by their contract; the whole-system tests use the real ones."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.expectations: list[dict[str, Any]] = []
        self.app = FastAPI()
        self.app.post("/webhooks/clerk")(self._webhook)
        self.app.get("/api/v1/team/members")(self._members)
        self.app.get("/api/v1/expectations")(self._list)
        self.app.post("/api/v1/expectations", status_code=201)(self._publish)
        self.app.post("/api/v1/expectations/{id}/complete")(self._complete)

    def of(self, member: demo.DemoMember, *, done: bool) -> list[str]:
        return [e["title"] for e in self.expectations if e["user_id"] == member.id and e["is_done"] is done]

    async def _webhook(self, request: Request) -> None:
        event = json.loads(await request.body())
        if event["type"] == "organizationMembership.created":
            self.known.add(event["data"]["public_user_data"]["user_id"])

    async def _members(self) -> dict[str, Any]:
        return {"items": [{"id": known} for known in self.known], "next_cursor": None}

    async def _list(self, user_id: str) -> dict[str, Any]:
        return {"items": [each for each in self.expectations if each["user_id"] == user_id], "next_cursor": None}

    async def _publish(self, new: dict[str, Any], authorization: Annotated[str, Header()]) -> Any:
        user_id = caller(authorization)
        if user_id not in self.known:
            return JSONResponse({"type": "/problems/member-not-yet-known"}, 503)
        if any(each["user_id"] == user_id and not each["is_done"] for each in self.expectations):
            return JSONResponse({"type": "/problems/active-expectation-exists"}, 409)
        made = {**new, "id": str(len(self.expectations)), "user_id": user_id, "is_done": False}
        self.expectations.append(made)
        return made

    async def _complete(self, id: int) -> dict[str, Any]:
        self.expectations[id]["is_done"] = True
        return self.expectations[id]


def caller(authorization: str) -> str:
    return str(jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})["sub"])


@pytest.fixture
def product() -> Product:
    return Product()


@pytest_asyncio.fixture(loop_scope="session")
async def api_url(product: Product) -> AsyncIterator[str]:
    async with serving(product.app) as url:
        yield url


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


async def test_every_member_becomes_known_with_a_current_expectation_and_history(
    product: Product, api_url: str, tmp_path: Path
) -> None:
    async with serving(create_app(settings(tmp_path, api_url, TeamMode.SINGLE))) as clerk_url:
        await demo.fill(clerk_url, api_url)
        first = json.dumps(product.expectations)
        await demo.fill(clerk_url, api_url)

    assert json.dumps(product.expectations) == first
    for member in (demo.ALEX, demo.MARIA, demo.SOPHIA):
        assert product.of(member, done=False) == [member.expectation]
        assert product.of(member, done=True) == list(member.finished)
    assert product.of(demo.DAVID, done=False) == []
    assert product.of(demo.DAVID, done=True) == list(demo.DAVID.finished)
    assert product.of(demo.NORA, done=False) == []


async def test_what_members_did_since_stays_as_they_left_it(product: Product, api_url: str, tmp_path: Path) -> None:
    async with serving(create_app(settings(tmp_path, api_url, TeamMode.ORGANIZATIONS))) as clerk_url:
        await demo.fill(clerk_url, api_url, TeamMode.ORGANIZATIONS)
        withdrawn = [each for each in product.expectations if each["is_done"]]
        product.expectations[:] = withdrawn
        await demo.fill(clerk_url, api_url, TeamMode.ORGANIZATIONS)
        assert product.expectations == withdrawn

        product.expectations[:] = [{"id": "0", "user_id": demo.MARIA.id, "title": "Her own", "is_done": True}]
        await demo.fill(clerk_url, api_url, TeamMode.ORGANIZATIONS)
        assert product.of(demo.MARIA, done=False) == []


async def test_a_start_that_was_interrupted_is_finished_by_the_next(
    product: Product, api_url: str, tmp_path: Path
) -> None:
    async with serving(create_app(settings(tmp_path, api_url, TeamMode.SINGLE))) as clerk_url:
        await demo.fill(clerk_url, api_url)
        first = {"id": "0", "user_id": demo.MARIA.id, "title": demo.MARIA.finished[0], "is_done": False}
        product.expectations[:] = [first]
        await demo.fill(clerk_url, api_url)

    assert product.of(demo.MARIA, done=True) == list(demo.MARIA.finished)
    assert product.of(demo.MARIA, done=False) == [demo.MARIA.expectation]


async def test_with_organizations_northwind_is_there_too(product: Product, api_url: str, tmp_path: Path) -> None:
    async with serving(create_app(settings(tmp_path, api_url, TeamMode.ORGANIZATIONS))) as clerk_url:
        await demo.fill(clerk_url, api_url, TeamMode.ORGANIZATIONS)
        async with httpx.AsyncClient(base_url=clerk_url) as http:
            token = (await http.post("/devstack/tokens", json={"member": "nora"})).json()["token"]

    assert product.of(demo.OTTO, done=False) == [demo.OTTO.expectation]
    active = jwt.decode(token, options={"verify_signature": False})["o"]
    assert active == {"id": demo.NORTHWIND.id, "rol": "admin", "slg": "northwind"}


async def test_a_member_who_does_not_become_known_is_named(api_url: str, tmp_path: Path) -> None:
    # Webhooks go nowhere, so that nobody is ever known.
    deaf = settings(tmp_path, api_url, TeamMode.SINGLE).model_copy(update={"webhook_url": None})
    async with serving(create_app(deaf)) as clerk_url:
        with pytest.raises(demo.DemoNotFilled, match=r"is not known to the api after 0.2 s.*does not list"):
            await asyncio.wait_for(demo.fill(clerk_url, api_url, seconds=0.2), 20)


def test_ids_have_clerks_length() -> None:
    assert {len(member.id) for member in demo.MEMBERS} == {len("user_") + 27}
