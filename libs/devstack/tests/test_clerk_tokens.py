"""Session tokens of the Clerk stand-in have the exact shape of the real ones."""

import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from rte_common.auth import InvalidToken, TokenVerifier
from rte_common.settings import ClerkSettings
from rte_devstack import demo
from rte_devstack.clerk import ActiveOrganization, TokenSigner, create_app
from rte_devstack.clerk.settings import Settings
from rte_devstack.serving import serving

ALEX = demo.ALEX.id
KESTREL = ActiveOrganization(demo.KESTREL.id, demo.KESTREL.slug, "admin")


@pytest.fixture(scope="module")
def signer() -> TokenSigner:
    return TokenSigner()


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_token_without_organization_has_the_v2_claims_and_no_others(signer: TokenSigner) -> None:
    token = signer.session_token(ALEX)
    claims = claims_of(token)

    assert set(claims) == {"azp", "exp", "fva", "iat", "iss", "jti", "nbf", "sid", "sts", "sub", "v"}
    assert (claims["sub"], claims["v"], claims["sts"]) == (ALEX, 2, "active")
    assert claims["exp"] - claims["iat"] == 60
    assert claims["iat"] - claims["nbf"] == 5
    assert abs(claims["iat"] - time.time()) < 5
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "ins_devstack", "typ": "JWT"}


def test_an_active_organization_is_the_claim_o_with_the_bare_role(signer: TokenSigner) -> None:
    organization = claims_of(signer.session_token(ALEX, organization=KESTREL))["o"]

    assert organization == {"id": KESTREL.id, "rol": "admin", "slg": "kestrel-harbour"}


def test_the_v1_shape_has_the_prefixed_role_and_neither_v_nor_jti(signer: TokenSigner) -> None:
    claims = claims_of(signer.session_token(ALEX, organization=KESTREL, version=1))

    assert claims["org_role"] == "org:admin"
    assert not {"v", "jti", "o", "sts"} & set(claims)


def test_claims_can_be_changed_and_taken_away(signer: TokenSigner) -> None:
    token = signer.session_token(ALEX, lifetime=-90, status="pending", without=["azp"], iss="https://other.example")
    claims = claims_of(token)

    assert claims["exp"] < time.time()
    assert (claims["sts"], claims["iss"]) == ("pending", "https://other.example")
    assert "azp" not in claims


def test_the_key_is_for_its_owner_only_and_survives(tmp_path: Path) -> None:
    first = TokenSigner(tmp_path)

    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o777 == 0o600
    assert TokenSigner(tmp_path).jwks() == first.jwks()


def test_a_rotated_key_comes_back_under_the_same_id(signer: TokenSigner) -> None:
    signer, token = TokenSigner(), TokenSigner().session_token(ALEX)
    before = signer.jwks()["keys"][0]
    signer.rotate()
    after = signer.jwks()["keys"][0]

    assert before["kid"] == after["kid"]
    assert before["n"] != after["n"]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(after), algorithms=["RS256"])


async def test_the_services_believe_the_stand_in_and_notice_a_rotated_key(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, clerk_webhook_secret=("whsec_c2VjcmV0",), clerk_secret_key="sk")
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as http:
        clerk = ClerkSettings(
            clerk_issuer=settings.issuer,
            clerk_jwks_url=f"{url}/.well-known/jwks.json",
            clerk_authorized_parties=(settings.authorized_party,),
        )
        await http.post("/devstack/users", json={"id": ALEX, "first_name": "Alex"})
        old = (await http.post("/devstack/tokens", json={"member": "alex"})).json()["token"]
        assert (await TokenVerifier(clerk, http).verify(old)).id == ALEX

        await http.post("/devstack/rotate-key")

        with pytest.raises(InvalidToken):
            await TokenVerifier(clerk, http).verify(old)
        new = (await http.post("/devstack/tokens", json={"member": "ALEX"})).json()["token"]
        assert (await TokenVerifier(clerk, http).verify(new)).id == ALEX
