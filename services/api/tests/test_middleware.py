"""Nothing answers without a valid token but the paths that are named as public, whatever routes there are."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rte_api.main import create_app
from rte_api.middleware import PUBLIC_PATHS
from rte_api.settings import Settings
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.serving import serving

from .running import PROBLEM, Api, Team

FORGOTTEN = (
    "/api/v1/forgotten",
    "/api/v1/team/forgotten",
    "/api/forgotten",
    "/forgotten",
    "/api/docsforgotten",
    "/raw",
)
NOWHERE = ("/api/v1/nowhere", "/nowhere", "/")


async def forgetful() -> str:
    """A route that asks for no member."""
    return "what only members may know"


def with_forgetful_routes(settings: Settings) -> FastAPI:
    app = create_app(settings)
    later = APIRouter()
    for path in FORGOTTEN[:-1]:
        later.add_api_route(path, forgetful, methods=["GET", "POST"], include_in_schema=False)

    async def raw(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await forgetful())

    app.include_router(later)
    app.router.routes.append(Route("/raw", raw, methods=["GET", "POST"]))
    app.add_api_websocket_route("/api/v1/socket", forgetful)
    return app


@pytest.fixture
async def url(defaults: dict[str, Any]) -> AsyncIterator[str]:
    """An api whose developer forgot the member."""
    async with serving(with_forgetful_routes(Settings(**defaults))) as url:
        yield url


@pytest.fixture
async def nobody(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_a_route_that_forgets_to_ask_for_a_member_refuses_strangers(nobody: httpx.AsyncClient) -> None:
    for path in (*FORGOTTEN, *(f"{path}/" for path in FORGOTTEN), *NOWHERE):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
            answer = await nobody.request(method, path, content=b"{" if method == "POST" else None)

            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == PROBLEM
            assert answer.headers["www-authenticate"] == "Bearer"
            assert method == "HEAD" or answer.json()["type"] == "/problems/no-token"


async def test_a_bad_token_opens_no_forgetful_route(nobody: httpx.AsyncClient, signer: TokenSigner) -> None:
    expired = signer.session_token("user_alex", lifetime=-10)
    for path in FORGOTTEN:
        answer = await nobody.get(path, headers={"authorization": f"Bearer {expired}"})

        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/token-expired")


async def test_a_member_finds_such_a_route_within_their_limits(nobody: httpx.AsyncClient, api: Api, team: Team) -> None:
    authorization = {"authorization": f"Bearer {api.token(team, 'alex')}"}
    for path in FORGOTTEN:
        answer = await nobody.get(path, headers=authorization)

        assert answer.status_code == 200
        assert "what only members may know" in answer.text
        assert "ratelimit" in answer.headers


async def test_a_websocket_does_not_come_past_the_token(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{url.replace('http', 'ws', 1)}/api/v1/socket", proxy=None)

    assert refused.value.response.status_code == 403


async def test_the_public_paths_are_the_pages_about_the_api_and_its_health(nobody: httpx.AsyncClient) -> None:
    for path in (
        "/health",
        "/ready",
        "/api/docs",
        "/api/docs/start.js",
        "/api/openapi.json",
        "/problems",
        "/problems/x",
    ):
        assert PUBLIC_PATHS.fullmatch(path)
        assert (await nobody.get(path)).status_code != 401, path
    for path in ("/api/v1", "/api/v1/me", "/problemsx", "/api/docsx", "/healthx", "/api/openapi.jsonx", "/API/DOCS"):
        assert not PUBLIC_PATHS.fullmatch(path)
