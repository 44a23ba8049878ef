"""A front end of its own origin: the page of docs/web-client.md in a real browser, and what it may and may not do."""

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from rte_devstack import demo
from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack
from rte_testkit.browser import CHROMIUM, Page, PageFailed, chromium
from rte_testkit.official_clients import JAVASCRIPT

NODE_MODULES = JAVASCRIPT / "node_modules"
PACKAGES = ("@supabase/realtime-js", "@supabase/phoenix", "tslib")
ALLOWED_PORTS = (5173, 4173)

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None or not NODE_MODULES.exists(), reason="needs chromium, and npm's packages in tests/js"
)


def snippet() -> str:
    """The page of the guide, as it is printed."""
    (page,) = re.findall(r"```html\n(.*?)```", (REPOSITORY / "docs" / "web-client.md").read_text(), re.DOTALL)
    return str(page)


def with_modules(page: str) -> str:
    """The page with what Vite does for it: names of packages are looked up in node_modules."""
    entries = {name: json.loads((NODE_MODULES / name / "package.json").read_text())["module"] for name in PACKAGES}
    imports = {name: f"/{name}/{entry.removeprefix('./')}" for name, entry in entries.items()}
    import_map = f'<script type="importmap">{json.dumps({"imports": imports})}</script>'
    return page.replace("<script ", f"{import_map}<script ")


def module(path: str) -> Path | None:
    """The file of an import, which may leave out its ending."""
    file = NODE_MODULES / path.lstrip("/")
    spellings = (file, file.with_name(f"{file.name}.js"), file / "index.js")
    return next((found for found in spellings if found.is_file()), None)


class Pages(BaseHTTPRequestHandler):
    """Serves one page, and the modules that it imports."""

    page: bytes

    def do_GET(self) -> None:
        """Answer a browser."""
        file = None if self.path == "/" else module(self.path)
        self.send_response(200 if file or self.path == "/" else 404)
        self.send_header("content-type", "text/javascript" if file else "text/html")
        self.end_headers()
        self.wfile.write(file.read_bytes() if file else self.page)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(port: int, page: str, host: str = "localhost") -> Iterator[str]:
    """Serve `page` at the root of an origin of its own, which it is told as Vite's; all its addresses name `host`."""
    with ThreadingHTTPServer(("127.0.0.1", port), Pages) as server:
        origin = f"http://{host}:{server.server_port}"
        told = page.replace("http://localhost:5173", origin).replace("//localhost:", f"//{host}:")
        server.RequestHandlerClass = type("ThisPage", (Pages,), {"page": told.encode()})
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield origin
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(stack: Stack) -> str:
    """The guide's page for the stack of this test."""
    clerk = f"localhost:{stack.ports['clerk']}"
    return with_modules(snippet().replace("localhost:8080", f"localhost:{stack.port}").replace("localhost:8085", clerk))


@pytest.fixture
def front_end(page: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Origin of the guide's page, one of those that are let in by default."""
    for port in ALLOWED_PORTS:
        try:
            with served(port, page, getattr(request, "param", "localhost")) as origin:
                yield origin
                return
        except OSError:
            continue
    pytest.skip(f"the ports {ALLOWED_PORTS} are taken")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Page]:
    """A browser that knows nobody."""
    async with chromium(tmp_path) as tab:
        yield tab


@pytest.fixture
async def newcomer(stack: Stack) -> str:
    """The id of a member who is on nothing, and whom the api knows."""
    user = {"first_name": "Wanda", "last_name": uuid4().hex}
    async with httpx.AsyncClient(trust_env=False) as http:
        made = (await http.post(f"{stack.url('clerk')}/devstack/users", json=user)).json()
        token = (await http.post(f"{stack.url('clerk')}/devstack/tokens", json={"member": made["id"]})).json()["token"]
        me = f"{stack.url('traefik')}/api/v1/me"
        while (await http.get(me, headers={"authorization": f"Bearer {token}"})).status_code == 503:
            pass
    return str(made["id"])


async def sign_in(browser: Page, origin: str, member_id: str) -> None:
    """Go through the sign-in page and back."""
    await browser.open(origin)
    await browser.click("#sign-in")
    await browser.click(f"button[value={member_id}]")
    await browser.until(f"location.origin === '{origin}' && document.cookie.includes('__session')")


@in_a_browser
@pytest.mark.parametrize("front_end", ["localhost", "127.0.0.1"], indirect=True)
async def test_the_guides_page_signs_in_lists_publishes_and_hears_of_it(
    stack: Stack, front_end: str, browser: Page, newcomer: str
) -> None:
    await sign_in(browser, front_end, newcomer)
    await browser.until("document.querySelector('#team').children.length > 0")
    await browser.run("document.querySelector('input').value = 'Ship the web client'")
    await browser.click("button")

    # The page reads the list when the websocket has told it of a change, and only then.
    await browser.until("document.querySelector('#team').innerText.includes(': Ship the web client')")


@in_a_browser
async def test_the_cookie_of_the_sign_in_is_enough_for_reads_and_writes(
    stack: Stack, front_end: str, browser: Page, newcomer: str
) -> None:
    await sign_in(browser, front_end, newcomer)
    await browser.run(f"me = (more) => fetch('{stack.origin}/api/v1/me', {{credentials: 'include', ...more}})")
    new = json.dumps(
        {"method": "PATCH", "headers": {"content-type": "application/json"}, "body": '{"timezone": "CET"}'}
    )

    read = await browser.run("me().then((answer) => answer.json())")
    written = await browser.run(f"me({new}).then((answer) => answer.json())")
    picture = f"Object.assign(new Image(), {{crossOrigin: 'anonymous', src: '{read['avatar_url']}'}})"
    width = await browser.run(f"(async (image) => {{ await image.decode(); return image.naturalWidth }})({picture})")

    assert (read["id"], written["timezone"], width) == (newcomer, "CET", 128)


@in_a_browser
async def test_a_page_of_another_origin_gets_nothing(
    stack: Stack, page: str, front_end: str, browser: Page, newcomer: str
) -> None:
    await sign_in(browser, front_end, newcomer)
    with served(0, page) as elsewhere:
        await browser.open(elsewhere)
        await browser.until(f"location.origin === '{elsewhere}'")
        for url in (
            f"{stack.origin}/api/v1/me",
            f"http://localhost:{stack.ports['clerk']}/v1/client/sessions/x/tokens",
        ):
            with pytest.raises(PageFailed, match="Failed to fetch"):
                await browser.run(f"fetch('{url}', {{credentials: 'include', method: 'POST'}})")
        await browser.click("#sign-in")
        await browser.until("document.body.innerText.includes('invalid_redirect_url')")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("port", ALLOWED_PORTS)
async def test_origins_of_vite_are_let_in_everywhere(stack: Stack, host: str, port: int) -> None:
    origin = {"origin": f"http://{host}:{port}"}
    sockets = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    sockets["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    async with httpx.AsyncClient(trust_env=False) as http:
        asked = {"member": demo.ALEX.id}
        token = (await http.post(f"{stack.url('clerk')}/devstack/tokens", json=asked, headers=origin)).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        me = await http.get(f"{stack.url('traefik')}/api/v1/me", headers=origin | bearer)
        opened = f"{stack.url('traefik')}/realtime/v1/websocket?vsn=2.0.0"
        async with http.stream("GET", opened, headers=origin | sockets) as socket:
            opening = socket.status_code
        async with http.stream("GET", opened, headers={"origin": "http://localhost:5174"} | sockets) as socket:
            stranger = socket.status_code

    assert (me.status_code, me.headers["access-control-allow-origin"]) == (200, origin["origin"])
    assert (opening, stranger) == (101, 403)


async def test_nothing_in_a_fresh_stacks_data_is_fetched_from_elsewhere(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        clerk = stack.url("clerk")
        token = (await http.post(f"{clerk}/devstack/tokens", json={"member": demo.ALEX.id})).json()["token"]
        api = {"base_url": f"{stack.url('traefik')}/api/v1", "headers": {"authorization": f"Bearer {token}"}}
        async with httpx.AsyncClient(trust_env=False, **api) as client:  # type: ignore[arg-type]
            paths = ("/me", "/team", "/team/members", "/expectations", "/expectations?status=all", "/reports")
            answers = [(await client.get(path)).text for path in paths]
        answers += [(await http.get(f"{clerk}{path}")).text for path in ("/devstack/webhooks", "/sign-in")]

    found = {url for answer in answers for url in re.findall(r"https?://[^/\"\\\s<]+", answer)}
    assert found == {f"http://localhost:{stack.ports['clerk']}"}
