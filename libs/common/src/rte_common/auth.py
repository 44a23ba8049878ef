"""Clerk session tokens: who is asking, for which team, and how sure that is.

Facts: a session token is an RS256 JWT that lives 60 seconds; `kid` is Clerk's instance id, so a replaced key can come
back under the same `kid`; the official SDKs check neither `iss` nor `sts`, so both are checked here.
(Clerk docs: sessions/session-tokens, sessions/manual-jwt-verification.)
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from prometheus_client import Counter

from rte_common.clerk_key import public_key
from rte_common.settings import ClerkSettings, TeamMode

Role = Literal["admin", "member"]

DEFAULT_TEAM = "default"
LEEWAY_SECONDS = 5
"""Clock skew that is forgiven; the default of Clerk's own SDKs."""
REFRESH_SECONDS = 300
"""Age at which keys are fetched again; Clerk's SDKs cache as long."""
COOL_DOWN_SECONDS = 30
"""Time between two fetches that tokens cause: unknown key ids must not become an amplifier."""
RETRY_SECONDS = 1
"""Pause between fetches while there is no key at all."""
MAX_VERIFIED_TOKENS = 20_000
"""Verified tokens that are cached, so that a token's many requests cost one signature check."""
REQUIRED_CLAIMS = ["exp", "iat", "nbf", "sub", "sid", "iss"]

log = structlog.get_logger(__name__)
KEY_FETCHES = Counter("rte_jwks_fetches_total", "Fetches of Clerk's public keys", ["outcome"])


@dataclass(frozen=True, slots=True)
class Member:
    """Member for whom a request acts. `role` is None when the token does not say (single team: the database knows)."""

    id: str
    team_id: str
    role: Role | None
    session_id: str
    expires_at: float
    """Unix seconds."""
    impersonator: str | None = None
    """The user id of who impersonates this member; such a session only reads."""
    second_factor_minutes: int | None = None
    """Minutes since the second factor was verified when the token was made; None: never, or not said."""


class InvalidToken(Exception):
    """The token does not prove who is asking. `code` is stable and safe to show."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class NoActiveTeam(InvalidToken):
    """A genuine token without an active organization, where teams are organizations."""

    def __init__(self) -> None:
        super().__init__("no-active-team", "Choose an organization: the session has no active one")


class KeysUnavailable(Exception):
    """No public key could be fetched yet: nobody can be told apart, and it is not the caller's fault."""


class TokenVerifier:
    """Checks session tokens without calling Clerk for each.

    Keys are fetched in the background, shared, and kept when a refresh fails. Safe for many tasks at once.
    """

    def __init__(self, settings: ClerkSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._keys: dict[str, RSAPublicKey] = {}
        self._pinned = public_key(settings.clerk_jwt_key) if settings.clerk_jwt_key else None
        self._fetched_at = float("-inf")
        self._fetch: asyncio.Task[bool] | None = None
        self._verified: OrderedDict[str, Member] = OrderedDict()

    @property
    def ready(self) -> bool:
        """Whether a key was loaded once; later failures only degrade."""
        return self._pinned is not None or bool(self._keys)

    async def check(self) -> str | None:
        """For /ready: None, or why tokens cannot be checked."""
        return None if self.ready else "no public key yet"

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        while self._pinned is None:
            fetched = await self._refresh()
            await asyncio.sleep(REFRESH_SECONDS if fetched else COOL_DOWN_SECONDS if self.ready else RETRY_SECONDS)

    async def verify(self, token: str) -> Member:
        """Return who the token speaks for; raise InvalidToken, or KeysUnavailable before the first key."""
        verified = self._verified.get(token)
        if verified is not None:
            if verified.expires_at + LEEWAY_SECONDS > time.time():
                return verified
            del self._verified[token]
        claims = await self._claims(token)
        member = self._member(claims)
        self._verified[token] = member
        if len(self._verified) > MAX_VERIFIED_TOKENS:
            self._verified.popitem(last=False)
        return member

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = _key_id(token.partition(".")[0])
            key = await self._key(kid)
            try:
                return self._decode(token, key)
            except jwt.InvalidSignatureError:
                # The key may have been replaced under the same id: look once, then believe the signature check.
                if self._pinned is not None or not await self._refresh_for_token():
                    raise
                return self._decode(token, self._keys.get(kid, key))
        except jwt.InvalidTokenError as error:
            raise _refusal(error) from error

    def _decode(self, token: str, key: RSAPublicKey) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=self._settings.clerk_issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED_CLAIMS, "verify_aud": False},
        )

    async def _key(self, kid: str) -> RSAPublicKey:
        if self._pinned is not None:
            return self._pinned
        if kid not in self._keys:
            await self._refresh_for_token()
        if not self._keys:
            raise KeysUnavailable("Clerk's public keys could not be fetched yet")
        if kid not in self._keys:
            raise InvalidToken("unknown-key", "The token is signed with a key that the issuer does not publish")
        return self._keys[kid]

    async def _refresh_for_token(self) -> bool:
        """Fetch keys because of a token, unless that was done a moment ago; True if fresh keys came."""
        cool_down = COOL_DOWN_SECONDS if self._keys else RETRY_SECONDS
        if time.monotonic() - self._fetched_at < cool_down and (self._fetch is None or self._fetch.done()):
            return False
        return await self._refresh()

    async def _refresh(self) -> bool:
        if self._fetch is None or self._fetch.done():
            self._fetch = asyncio.create_task(self._fetch_keys())
        return await asyncio.shield(self._fetch)

    async def _fetch_keys(self) -> bool:
        self._fetched_at = time.monotonic()
        try:
            response = await self._http.get(self._settings.jwks_url, timeout=5)
            response.raise_for_status()
            keys = _rsa_keys(response.json())
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            KEY_FETCHES.labels("failed").inc()
            log.warning("jwks_fetch_failed", url=self._settings.jwks_url, error=repr(error), have_keys=len(self._keys))
            return False
        self._keys = keys
        self._verified.clear()  # what a replaced key signed is not trusted any longer
        KEY_FETCHES.labels("ok").inc()
        return True

    def _member(self, claims: Mapping[str, Any]) -> Member:
        party = claims.get("azp")
        if party is None:
            raise InvalidToken(
                "missing-claim", "The token lacks the claim azp: it was not made for a page of an origin"
            )
        if party not in self._settings.clerk_authorized_parties:
            raise InvalidToken("wrong-party", "The token was made for another origin (claim azp)")
        if claims.get("sts") == "pending":
            raise InvalidToken("pending-session", "Finish signing in: the session is still pending")
        team_id, role = self._team(claims)
        actor = claims.get("act")
        factors = claims.get("fva")
        second = factors[1] if isinstance(factors, list) and len(factors) == 2 and factors[1] >= 0 else None
        return Member(
            id=str(claims["sub"]),
            team_id=team_id,
            role=role,
            session_id=str(claims["sid"]),
            expires_at=float(claims["exp"]),
            impersonator=str(actor.get("sub", "unknown")) if isinstance(actor, dict) else None,
            second_factor_minutes=second,
        )

    def _team(self, claims: Mapping[str, Any]) -> tuple[str, Role | None]:
        """The team of a v2 token (`o`) or a v1 token (`org_id`)."""
        if self._settings.team_mode is TeamMode.SINGLE:
            return DEFAULT_TEAM, None
        organization = claims.get("o")
        if isinstance(organization, dict) and organization.get("id"):
            return str(organization["id"]), role_of(organization.get("rol"))
        if claims.get("org_id"):
            return str(claims["org_id"]), role_of(claims.get("org_role"))
        raise NoActiveTeam


def role_of(clerk_role: object) -> Role:
    """Clerk's role in our words: v2 tokens say `admin`, v1 tokens, webhooks and the Backend API say `org:admin`.

    Custom roles count as `member`: they grant nothing here.
    """
    return "admin" if str(clerk_role).removeprefix("org:") == "admin" else "member"


@lru_cache(maxsize=64)
def _key_id(header: str) -> str:
    """The key that a token's header names. A key's tokens share their header, and to read it is a third of a check."""
    return str(jwt.get_unverified_header(f"{header}.e30.").get("kid", ""))


def _rsa_keys(document: Any) -> dict[str, RSAPublicKey]:
    """The keys of a JSON Web Key Set that can sign session tokens; whatever it raises, the document is no such set."""
    fetched = jwt.PyJWKSet.from_dict(document)
    keys = {str(key.key_id or ""): key.key for key in fetched.keys if isinstance(key.key, RSAPublicKey)}
    if not keys:
        raise ValueError("no RSA key in the set")
    return keys


def _source(claim: str) -> str:
    return ": take it from `getToken()` without a template" if claim == "sid" else ""


def _refusal(error: jwt.InvalidTokenError) -> InvalidToken:
    match error:
        case jwt.ExpiredSignatureError():
            return InvalidToken("token-expired", "The token has expired")
        case jwt.InvalidIssuerError():
            return InvalidToken("wrong-issuer", "The token comes from another issuer")
        case jwt.MissingRequiredClaimError():
            return InvalidToken("missing-claim", f"The token lacks the claim {error.claim}{_source(error.claim)}")
        case jwt.InvalidSignatureError():
            return InvalidToken("bad-signature", "The token's signature does not match")
        case jwt.ImmatureSignatureError():
            return InvalidToken("token-not-yet-valid", "The token is not valid yet")
    return InvalidToken("malformed-token", "The token is not acceptable")
