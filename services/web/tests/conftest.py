"""A built client with the names that a build gives, and a server of it."""

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import brotli
import httpx
import pytest

from rte_devstack.serving import serving
from rte_web.main import create_app
from rte_web.settings import Settings

PAGE = """<!doctype html>
<title>Focus</title>
<script type="application/json" id="config">
  {}
</script>
<script type="module" src="/assets/index-BxKq1f9a.js"></script>
"""
SCRIPT = b"export const words = 'as many as it takes to be worth compressing';\n" * 40
Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def script() -> bytes:
    """What the build's one script says."""
    return SCRIPT


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The folder of a build."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "icons").mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "index.html.br").write_bytes(b"without its configuration")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / "icons" / "192.png").write_bytes(b"\x89PNG")
    (folder / ".built-from").write_text("a digest")
    script = folder / "assets" / "index-BxKq1f9a.js"
    script.write_bytes(SCRIPT)
    script.with_name(f"{script.name}.br").write_bytes(brotli.compress(SCRIPT))
    script.with_name(f"{script.name}.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.txt").write_text("beside the build")
    return folder


@pytest.fixture
def serve(built: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Call it with variables for a running server of the build; gives who asks it."""

    @asynccontextmanager
    async def serving_the_build(**variables: str) -> AsyncIterator[httpx.AsyncClient]:
        for name, value in {"WEB_CLIENT_FOLDER": str(built), **variables}.items():
            monkeypatch.setenv(name, value)
        async with (
            serving(create_app(Settings()), ws="none") as url,
            httpx.AsyncClient(base_url=url, trust_env=False) as http,
        ):
            yield http

    return serving_the_build


@pytest.fixture
async def http(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """Who asks a server without any variable but the folder's."""
    async with serve() as client:
        yield client
