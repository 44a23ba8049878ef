"""Windows of the web client, each with its member: Debian's Chromium, led by Playwright."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack
from rte_testkit.browser import CHROMIUM

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
AXE = REPOSITORY / "web" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 20_000
"""After which a state that did not come is missing."""
SESSION_KEY = "stand-in-session"
Arrange = Callable[[Page], Awaitable[None]]
"""Does something with a page."""
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser, which ends with the block."""
    assert CHROMIUM
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield launched
        finally:
            await launched.close()


@dataclass
class Window:
    """A member's window, and what went wrong in it."""

    page: Page
    context: BrowserContext
    troubles: list[str] = field(default_factory=list)
    """Errors that scripts threw or reported, but those of answers that the test asked for."""

    async def violations(self) -> list[str]:
        """What axe finds on the page as it is: rule, how bad, and where."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text())  # not by a script element, which the page's policy forbids
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = await self.page.evaluate("(tags) => axe.run(document, {runOnly: tags})", tags)
        return [
            f"{each['id']} ({each['impact']}): {node['target']} {node.get('failureSummary', '')}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


class Windows:
    """Opens windows on the stack's web client, and closes them."""

    def __init__(self, browser: Browser, stack: Stack) -> None:
        self.browser = browser
        self._stack = stack
        self.opened: list[Window] = []

    async def open(
        self, member_id: str | None = None, path: str = "/", before: Arrange | None = None, **options: Any
    ) -> Window:
        """Open the page as a member, or as nobody; `options` are those of Playwright's contexts."""
        if member_id is not None:
            async with httpx.AsyncClient(trust_env=False) as http:
                made = await http.post(f"{self._stack.url('clerk')}/devstack/sessions", json={"member": member_id})
            kept = [{"name": SESSION_KEY, "value": str(made.json()["id"])}]
            origins = [{"origin": self._stack.origin, "localStorage": kept}]
            options["storage_state"] = {"cookies": [], "origins": origins}
        context = await self.browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB"} | options)
        context.set_default_timeout(PATIENCE_MS)
        window = self.watch(await context.new_page())
        if before is not None:
            await before(window.page)
        await window.page.goto(f"{self._stack.origin}{path}")
        return window

    def watch(self, page: Page) -> Window:
        """Take in a window that a page has opened."""
        window = Window(page, page.context)
        page.on("pageerror", lambda error: window.troubles.append(str(error)))
        page.on("console", lambda said: window.troubles.append(said.text) if said.type == "error" else None)
        self.opened.append(window)
        return window

    async def close(self) -> None:
        """Close all of them."""
        for window in self.opened:
            await window.context.close()


async def newcomer(stack: Stack, name: str = "Wanda") -> str:
    """The id of a member who is on nothing, and whom the api knows."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        user = {"first_name": name, "last_name": uuid4().hex[:6]}
        made = (await http.post(f"{stack.url('clerk')}/devstack/users", json=user)).json()
        headers = {"authorization": f"Bearer {await token(http, stack, made['id'])}"}
        me = f"{stack.url('traefik')}/api/v1/me"
        while (await http.get(me, headers=headers)).status_code == 503:  # the webhook is on its way
            await asyncio.sleep(0.05)
    return str(made["id"])


async def token(http: httpx.AsyncClient, stack: Stack, member_id: str) -> str:
    """A fresh session token of the member."""
    answer = await http.post(f"{stack.url('clerk')}/devstack/tokens", json={"member": member_id})
    return str(answer.json()["token"])
