"""Session tokens of Clerk's exact shape, the key that signs them, and the key set that proves them."""

import os
import secrets
import string
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

KEY_ID = "ins_devstack"
"""Clerk uses its instance id as `kid`, so a replaced key comes back under the same one."""
DEFAULT_ISSUER = "https://clerk.devstack.invalid"
DEFAULT_PARTY = "http://localhost:8080"
LIFETIME_SECONDS = 60
SKEW_SECONDS = 5

_BASE62 = string.digits + string.ascii_letters


def new_id(prefix: str) -> str:
    """Make an id as Clerk's are: the prefix, then 27 base62 characters."""
    return f"{prefix}_" + "".join(secrets.choice(_BASE62) for _ in range(27))


@dataclass(frozen=True, slots=True)
class ActiveOrganization:
    """The organization that a session acts in. `role` is without Clerk's `org:` prefix."""

    id: str
    slug: str
    role: str = "member"


class TokenSigner:
    """Signs session tokens with one RSA key.

    Without `folder` the key lives in memory; with it the key is kept there (readable by the owner only) and survives.
    """

    def __init__(
        self, folder: Path | None = None, *, issuer: str = DEFAULT_ISSUER, authorized_party: str = DEFAULT_PARTY
    ) -> None:
        self.issuer = issuer
        self.authorized_party = authorized_party
        self._file = folder / "signing-key.pem" if folder else None
        if self._file and self._file.exists():
            self._key = _read(self._file)
        else:
            self.rotate()

    def rotate(self) -> None:
        """Replace the key under the same `kid`: tokens made before no longer verify against `jwks()`."""
        self._key = generate_private_key(public_exponent=65537, key_size=2048)
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _write(self._file, self._key)

    def jwks(self) -> dict[str, Any]:
        """Return the public key set, as `/.well-known/jwks.json` serves it."""
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {
            "keys": [{"use": "sig", "kty": "RSA", "kid": KEY_ID, "alg": "RS256", "n": public["n"], "e": public["e"]}]
        }

    def session_token(
        self,
        user_id: str,
        *,
        organization: ActiveOrganization | None = None,
        session_id: str | None = None,
        lifetime: float = LIFETIME_SECONDS,
        status: Literal["active", "pending"] | None = "active",
        actor: dict[str, Any] | None = None,
        version: Literal[1, 2] = 2,
        without: Collection[str] = (),
        **claims: Any,
    ) -> str:
        """Make the token that Clerk would for this session.

        `lifetime` is in seconds from now and may be negative: an expired token. `actor` is the `act` claim of an
        impersonated session. `claims` replace or add claims, `without` then takes claims away.
        """
        now = int(time.time())
        payload: dict[str, Any] = {
            "azp": self.authorized_party,
            "exp": int(now + lifetime),
            "fva": [0, -1],
            "iat": now,
            "iss": self.issuer,
            "nbf": now - SKEW_SECONDS,
            "sid": session_id or new_id("sess"),
            "sub": user_id,
        }
        if actor is not None:
            payload["act"] = actor
        payload |= _v2(organization, status) if version == 2 else _v1(organization)
        payload |= claims
        return self.sign({name: value for name, value in payload.items() if name not in without})

    def sign(self, payload: dict[str, Any], **header: Any) -> str:
        """Sign any claims; `header` adds to or replaces the header parameters (`kid`, `typ`)."""
        return jwt.encode(payload, self._key, algorithm="RS256", headers={"kid": KEY_ID, **header})


def _v2(organization: ActiveOrganization | None, status: str | None) -> dict[str, Any]:
    claims: dict[str, Any] = {"jti": secrets.token_hex(10), "v": 2}
    if status is not None:
        claims["sts"] = status
    if organization is not None:
        claims["o"] = {"id": organization.id, "rol": organization.role, "slg": organization.slug}
    return claims


def _v1(organization: ActiveOrganization | None) -> dict[str, Any]:
    if organization is None:
        return {}
    return {
        "org_id": organization.id,
        "org_permissions": [],
        "org_role": f"org:{organization.role}",
        "org_slug": organization.slug,
    }


def _read(file: Path) -> RSAPrivateKey:
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{file} does not hold an RSA key: delete it to get a new one")
    return key


def _write(file: Path, key: RSAPrivateKey) -> None:
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    new.replace(file)
