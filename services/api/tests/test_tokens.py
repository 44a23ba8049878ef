"""Only tokens that prove who is asking open the api."""

import re
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
    "no party": ("missing-claim", lambda signer: signer.session_token("user_alex", without=["azp"])),
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


async def test_a_token_of_a_template_is_told_where_to_come_from(api: Api) -> None:
    client = await api.client(api.signer.session_token("user_alex", without=["sid"]))

    assert "`getToken()` without a template" in (await client.get("/me")).json()["detail"]


NOTHING = "What was sent is a word for nothing (such as undefined or null), and no token: wait for it first"
NOT_TOKENS = {
    "": "There is nothing after the word Bearer",
    "abc": "A session token has three parts with dots between them, and this has 1",
    "a.b": "A session token has three parts with dots between them, and this has 2",
    "a.b.c": "This looks like a session token, and cannot be read: copy it as a whole",
    "Bearer a.b.c": "The word Bearer stands there twice: send it once",
    "<token>": "There are quotes or angle brackets round the token: send it without them",
    '"a.b.c"': "There are quotes or angle brackets round the token: send it without them",
    "undefined": NOTHING,
    "null": NOTHING,
    "[object Promise]": NOTHING,
    "$TOKEN": "What was sent is the name of a variable, and not what is in it: put it in double quotes",
    "{{token}}": "What was sent is the name of a variable, and not what is in it: put it in double quotes",
    "sk_test_secret": "What was sent is a secret key of Clerk, and no session token",
    "'pk_test_x'": "What was sent is the publishable key of Clerk, and no session token",
    "ey.ey .ey": "There are blanks within the token: send it in one piece",
}


@pytest.mark.parametrize("token", NOT_TOKENS)
async def test_what_is_no_token_is_said_to_be_none_and_never_repeated(api: Api, token: str) -> None:
    answer = await (await api.client(authorization=f"Bearer {token}".rstrip())).get("/me")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/malformed-token")
    assert answer.json()["detail"].startswith(f"{NOT_TOKENS[token]}; ")
    assert "getToken()" in answer.json()["detail"]
    assert "secret" not in answer.text.replace("a secret key of Clerk", "")


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("Basic YWxleDpzZWNyZXQ=", "The scheme Basic is not taken."),
        ("Token a.b.c", "The scheme Token is not taken."),
        ("a.b.c", "The word Bearer is missing before the token."),
        ("secret", "The Authorization header has no known scheme."),
    ],
)
async def test_another_scheme_is_named(api: Api, authorization: str, said: str) -> None:
    answer = await (await api.client(authorization=authorization)).get("/me")

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/no-token")
    assert answer.json()["detail"] == f"{said} Send the session token as `Authorization: Bearer <token>`"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_told_when_it_ended_and_how_to_get_another(api: Api) -> None:
    answer = await (await api.client(api.signer.session_token("user_alex", lifetime=-100))).get("/me")

    assert re.match(
        r"The token ended at 20\S+Z, 10\d seconds ago: take a fresh one; `getToken\(\)`", answer.json()["detail"]
    )


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
