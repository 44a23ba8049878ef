"""Clerk's public keys may be away, replaced or asked for by anybody: nobody waits for a fetch that cannot help."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, HTTPException
from jwt.algorithms import ECAlgorithm
from starlette.responses import JSONResponse, Response

from rte_common import auth
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.serving import serving

from .running import Api, StartApi, Team

KEYS = object()


@dataclass
class Issuer:
    """Keys of the test's own, and how they are served."""

    signer: TokenSigner = field(default_factory=TokenSigner)
    url: str = ""
    away: bool = False
    answer: Any = KEYS
    """What is served instead of the keys."""
    fetches: int = 0
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self) -> Response:
        """What the api fetches."""
        async with self.asked:
            self.fetches += 1
            self.asked.notify_all()
        await self.answering.wait()
        if self.away:
            raise HTTPException(500)
        return JSONResponse(self.signer.jwks() if self.answer is KEYS else self.answer)

    async def asked_again(self) -> None:
        """Wait until the api has had the answer that is served from now on, and asks once more."""
        seen = self.fetches
        async with self.asked, asyncio.timeout(10):
            await self.asked.wait_for(lambda: self.fetches >= seen + 2)


@pytest_asyncio.fixture(loop_scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    issuer.answering.set()
    app = FastAPI()
    app.add_api_route("/jwks.json", issuer.serve)
    async with serving(app) as url:
        issuer.url = f"{url}/jwks.json"
        yield issuer


@pytest.fixture
def always_refreshing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An api that fetches the keys again and again, also after a failure."""
    monkeypatch.setattr(auth, "REFRESH_SECONDS", 0)
    monkeypatch.setattr(auth, "COOL_DOWN_SECONDS", 0)


async def calling(api: Api, issuer: Issuer, team: Team) -> httpx.AsyncClient:
    """Alex, with a token that the issuer signs now."""
    own = Api(api.url, api.database, issuer.signer, api.clients)
    return await own.member(team, "alex")


async def test_until_the_first_key_came_the_api_is_unready_and_then_recovers(
    start_api: StartApi, issuer: Issuer, team: Team
) -> None:
    issuer.away = True
    api = await start_api(clerk_jwks_url=issuer.url)
    alex = await calling(api, issuer, team)
    refused = await alex.get("/me")
    await api.becomes(clerk="no public key yet")
    issuer.away = False
    await api.becomes(clerk="ok")

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/keys-unavailable")
    assert refused.headers["retry-after"] == "1"
    assert (await alex.get("/me")).status_code == 200


async def test_keys_that_are_away_later_only_degrade(
    start_api: StartApi, issuer: Issuer, team: Team, always_refreshing: None
) -> None:
    api = await start_api(clerk_jwks_url=issuer.url)
    await api.becomes(clerk="ok")
    issuer.away = True
    await issuer.asked_again()
    alex = await calling(api, issuer, team)

    assert (await alex.get("/me")).status_code == 200


async def test_an_answer_without_a_usable_key_is_a_failed_fetch(
    start_api: StartApi, issuer: Issuer, team: Team, always_refreshing: None
) -> None:
    api = await start_api(clerk_jwks_url=issuer.url)
    await api.becomes(clerk="ok")
    elliptic = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    rsa = {"kty": "RSA", "kid": "ins_1", "n": 5, "e": "AQAB"}
    no_sets: tuple[Any, ...] = ([], None, "x", 5, {})
    no_keys: tuple[Any, ...] = ([], "x", [elliptic], [rsa])
    for answer in (*no_sets, *({"keys": keys} for keys in no_keys)):
        issuer.answer = answer
        await issuer.asked_again()
        alex = await calling(api, issuer, team)
        assert (await alex.get("/me")).status_code == 200, answer
    issuer.signer.rotate()
    issuer.answer = KEYS
    await issuer.asked_again()

    assert (await (await calling(api, issuer, team)).get("/me")).status_code == 200, "still fetching"


async def test_a_key_replaced_under_the_same_id_is_noticed(
    start_api: StartApi, issuer: Issuer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "COOL_DOWN_SECONDS", 0)
    api = await start_api(clerk_jwks_url=issuer.url)
    await api.becomes(clerk="ok")
    old = await calling(api, issuer, team)
    assert (await old.get("/me")).status_code == 200
    issuer.signer.rotate()
    new = await calling(api, issuer, team)

    assert (await new.get("/me")).status_code == 200
    assert (await old.get("/me")).json()["type"] == "/problems/bad-signature"


async def test_a_storm_of_unknown_keys_causes_no_storm_of_fetches_and_holds_up_nobody(
    start_api: StartApi, issuer: Issuer, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await start_api(clerk_jwks_url=issuer.url)
    await api.becomes(clerk="ok")
    alex = await calling(api, issuer, team)
    before = issuer.fetches
    monkeypatch.setattr(auth, "COOL_DOWN_SECONDS", 0)
    issuer.answering.clear()
    claims = {"sub": "user_alex", "exp": time.time() + 60}
    strangers = [await api.client(issuer.signer.sign(claims, kid=f"ins_{n}")) for n in range(20)]
    storm = [asyncio.create_task(stranger.get("/me")) for stranger in strangers]
    while issuer.fetches == before:
        assert (await alex.get("/me")).status_code == 200
    meanwhile = await alex.get("/me")
    monkeypatch.setattr(auth, "COOL_DOWN_SECONDS", 30)
    issuer.answering.set()
    answers = await asyncio.gather(*storm)
    during = issuer.fetches
    late = [await stranger.get("/me") for stranger in strangers]

    assert meanwhile.status_code == 200, "answered while the fetch hangs"
    assert {answer.json()["type"] for answer in answers + late} == {"/problems/unknown-key"}
    assert during == before + 1, "those who come at once wait for the same fetch"
    assert issuer.fetches == during, "no fetch within the cool-down"


async def test_clocks_may_differ_by_five_seconds(api: Api, team: Team) -> None:
    for claims in ({"lifetime": -3}, {"nbf": int(time.time()) + 3}, {"iat": int(time.time()) + 3}):
        client = await api.client(api.token(team, "alex", **claims))
        assert (await client.get("/me")).status_code == 200
