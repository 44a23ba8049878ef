"""Clerk's public key as variables carry it: with the line ends that were lost on the way, or without its armour."""

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ARMOUR = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)(?:-----END \1-----|\Z)", re.DOTALL)
FORM = "must be Clerk's public key, which begins with -----BEGIN PUBLIC KEY-----"


def public_key(text: str) -> RSAPublicKey:
    """The key in `text`; ValueError says, without quoting it, what it is instead."""
    text = text.replace("\\r", "").replace("\\n", "\n").strip().strip("'\"")
    if not text.startswith("-----"):
        text = _armoured(text)
    found = ARMOUR.search(text)
    if not found:
        raise ValueError(FORM)
    label, body = found[1], "".join(found[2].split())
    if "PRIVATE KEY" in label:
        raise ValueError("is a private key, which belongs nowhere near here: replace it, and set the public one")
    if "CERTIFICATE" in label:
        raise ValueError("is a certificate: set the public key in it, from Clerk's dashboard under API keys")
    if not body:
        raise ValueError(r"holds only its first line: write its line ends as \n, all in one line")
    try:
        key = load_pem_public_key(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"is damaged or cut off: it {FORM} and ends with -----END PUBLIC KEY-----") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("is not an RSA key, and Clerk signs session tokens with one")  # noqa: TRY004  # pydantic's word
    return key


def _armoured(text: str) -> str:
    """Base64 of a key, or of a whole PEM file, as PEM."""
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(FORM) from None
    if decoded.startswith(b"-----"):
        return decoded.decode("ascii", "replace")
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"
