"""Origins of pages, in the one spelling that browsers send."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)


def origin(text: str) -> str:
    """`text` as browsers write an origin: small letters, no default port, no slash. ValueError if it is none."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        host, port, parts = "", None, urlsplit("")
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if "://" not in text or not bare or not HOST.fullmatch(host):
        raise ValueError("must be scheme, host and port alone, like https://app.example.com")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, DEFAULT_PORTS.get(parts.scheme)) else "")


Origin = Annotated[str, AfterValidator(origin)]
