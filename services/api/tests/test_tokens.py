"""Only tokens that prove who is asking open the api."""

import time
from collections.abc import Callable

import pytest

from rte_devstack.clerk.tokens import TokenSigner

from .running import PROBLEM, Api, Team

Make = Callable[[TokenSigner], str]

BAD_TOKENS: dict[str, tuple[str, Make]] = {
    "not a JWT": ("malformed-token", lambda signer: "abc"),
    "signed by somebody else": ("bad-signature", lambda signer: TokenSigner().session_token("user_alex")),
    "unknown key": (
        "unknown-key",
        lambda signer: signer.sign({"sub": "user_alex", "exp": time.time() + 60}, kid="ins_other"),
    ),
    "expired": ("token-expired", lambda signer: signer.session_token("user_alex", lifetime=-10)),
    "from tomorrow": (
        "token-not-yet-valid",
        lambda signer: signer.session_token("user_alex", nbf=int(time.time()) + 60),
    ),
    "another issuer": (
        "wrong-issuer",
        lambda signer: signer.session_token("user_alex", iss="https://clerk.other.example"),
    ),
    "another party": ("wrong-party", lambda signer: signer.session_token("user_alex", azp="https://evil.example")),
    "no party": ("wrong-party", lambda signer: signer.session_token("user_alex", without=["azp"])),
    "pending session": ("pending-session", lambda signer: signer.session_token("user_alex", status="pending")),
    **{
        f"without {claim}": (
            "missing-claim",
            lambda signer, claim=claim: signer.session_token("user_alex", without=[claim]),  # type: ignore[misc]
        )
        for claim in ("exp", "iat", "nbf", "sub", "sid", "iss")
    },
}


@pytest.mark.parametrize("case", BAD_TOKENS)
async def test_a_bad_token_is_refused_by_name(api: Api, case: str) -> None:
    code, make = BAD_TOKENS[case]
    client = await api.client(make(api.signer))
    answer = await client.get("/me")

    assert (answer.status_code, answer.json()["type"]) == (401, f"/problems/{code}")
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_no_token_is_refused(api: Api) -> None:
    answer = await (await api.client()).get("/expectations")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/no-token")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_session_without_active_organization_has_no_team(api: Api, team: Team) -> None:
    client = await api.client(api.signer.session_token("user_alex"))
    answer = await client.get("/expectations")

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/no-active-team")


async def test_tokens_of_the_first_version_are_read_too(api: Api, team: Team) -> None:
    alex = await api.member(team, "alex", version=1)

    assert (await alex.get("/me")).json()["role"] == "admin"
