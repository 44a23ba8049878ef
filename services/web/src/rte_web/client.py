"""The built client as it is served: index.html with its configuration, compressed variants, cache headers."""

import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path
from wsgiref.headers import Headers

import brotli
from servestatic import ServeStaticASGI
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from rte_web.policy import content_security_policy
from rte_web.settings import Settings

INDEX = "index.html"
CONFIG = re.compile(r"(<script\b[^>]*\bid=\"?config\"?[^>]*>)\s*\{\}\s*(</script>)")
"""Where the page keeps its configuration: a block of data, which the policy need not allow as a script."""
MEDIA_TYPES = {".webmanifest": "application/manifest+json"}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
AN_HOUR = "public, max-age=3600"


class NoClient(Exception):
    """The folder holds no client that could be served; the message says why."""


class Client:
    """An ASGI application that serves the client of `settings`.

    It serves from a copy in `folder`, so that a build which replaces the original breaks no page that is open. Raises
    NoClient.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._policy = content_security_policy(settings)
        page = _configured(settings)
        # What begins with a dot is about the build.
        shutil.copytree(
            settings.web_client_folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", f"{INDEX}.*")
        )
        (folder / INDEX).write_bytes(page)
        (folder / f"{INDEX}.gz").write_bytes(gzip.compress(page, mtime=0))
        (folder / f"{INDEX}.br").write_bytes(brotli.compress(page))
        self._files = ServeStaticASGI(
            self._unknown,
            folder,
            index_file=INDEX,
            allow_all_origins=False,
            mimetypes=MEDIA_TYPES,
            add_headers_function=self._add_headers,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._files(scope, receive, send)

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if "." in path or path.startswith("/assets/"):
            raise HTTPException(404, "The web client has no such file")
        # A page of the client's own: it reads the path itself.
        await self._files({**scope, "path": "/"}, receive, send)

    def _add_headers(self, headers: Headers, path: str, url: str) -> None:
        # Weak, because the compressed variants share it; of the contents, because replicas copied them at other times.
        headers["ETag"] = f'W/"{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]}"'
        if url.startswith("/assets/"):
            headers["Cache-Control"] = FOR_EVER
        elif url == "/":
            headers["Cache-Control"] = ASK_EACH_TIME
            headers["Content-Security-Policy"] = self._policy
        else:
            headers["Cache-Control"] = AN_HOUR


def _configured(settings: Settings) -> bytes:
    """index.html with the configuration that the client reads at its start."""
    file = settings.web_client_folder / INDEX
    try:
        page = file.read_text(encoding="utf-8")
    except OSError as error:
        raise NoClient(f"no {file}: {error.strerror}") from error
    config = {
        "clerk_publishable_key": settings.clerk_publishable_key,
        "stand_in_url": settings.clerk_stand_in_url,
    }
    # An HTML parser ends the block at "</script", whatever JSON says of quotes.
    text = json.dumps(config).replace("<", "\\u003c")
    configured, found = CONFIG.subn(lambda place: f"{place[1]}{text}{place[2]}", page)
    if found != 1:
        raise NoClient(f"{file} has {found} places for its configuration instead of one")
    return configured.encode()
