"""The page is right again by itself: after a restart, a dropped network, sleep, an ended session, a removed member."""

import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack
from rte_testkit import windows
from rte_testkit.browser import CHROMIUM

ADDRESS = os.environ.get("RTE_WEB_URL")
"""Where the page is served, when it is not by the stack: `npx vite` against it."""
BUILT = REPOSITORY / "web" / "dist" / "index.html"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or not (ADDRESS or BUILT.exists()), reason="needs chromium, and the built page"
)
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Person:
    """A member of the demo team who was made for one test."""

    stack: Stack
    http: httpx.AsyncClient
    id: str
    name: str

    async def session(self) -> str:
        """Sign in at the stand-in."""
        made = await self.http.post(f"{self.stack.url('clerk')}/devstack/sessions", json={"member": self.id})
        return str(made.raise_for_status().json()["id"])

    async def publish(self, title: str) -> None:
        """Say over REST what they are on."""
        answer = await self._asks("POST", "/expectations", json={"title": title})
        answer.raise_for_status()

    async def complete(self) -> None:
        """Finish what they are on."""
        (active,) = (await self._asks("GET", "/expectations?status=active&user_id=me")).json()["items"]
        (await self._asks("POST", f"/expectations/{active['id']}/complete")).raise_for_status()

    async def known(self) -> None:
        """Wait until the api has heard of them."""
        while (await self._asks("GET", "/me")).status_code != 200:
            pass

    async def _asks(self, method: str, path: str, **more: object) -> httpx.Response:
        asked = {"member": self.id, "lifetime": 600}
        token = (await self.http.post(f"{self.stack.url('clerk')}/devstack/tokens", json=asked)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        url = f"{self.stack.url('traefik')}/api/v1{path}"
        return await self.http.request(method, url, headers=headers, **more)  # type: ignore[arg-type]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def family() -> str:
    """A name that nobody else on the stack has."""
    return f"Family{uuid4().hex[:8]}"


async def newcomer(stack: Stack, http: httpx.AsyncClient, first: str, last: str) -> Person:
    """Make a member, and wait until the api has heard of them."""
    user = {"first_name": first, "last_name": last}
    made = (await http.post(f"{stack.url('clerk')}/devstack/users", json=user)).raise_for_status().json()
    person = Person(stack, http, made["id"], f"{first} {last}")
    await person.known()
    return person


@pytest.fixture
async def wanda(stack: Stack, http: httpx.AsyncClient, family: str) -> Person:
    """Who looks at the page."""
    return await newcomer(stack, http, "Wanda", family)


@pytest.fixture
async def other(stack: Stack, http: httpx.AsyncClient, family: str) -> Person:
    """Who changes something."""
    return await newcomer(stack, http, "Otto", family)


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    async with windows.browser() as started:
        yield started


@pytest.fixture
def home(stack: Stack) -> str:
    """Address of the page."""
    return ADDRESS or stack.origin


async def opened(browser: Any, home: str, person: Person, path: str = "/") -> tuple[Any, str]:
    """A window in which `person` is signed in, once it is live; and their session."""
    session = await person.session()
    context = await browser.new_context(locale="en-GB")
    await context.add_init_script(
        f"localStorage.getItem('first') ?? (localStorage.setItem('first', '1'),"
        f" localStorage.setItem('stand-in-session', '{session}'))"
    )
    page = await context.new_page()
    await page.goto(f"{home}{path}")
    await here(page, person)
    return page, session


async def here(page: Any, person: Person) -> None:
    """Wait until the page shows that its member is here, which it knows from the socket only."""
    await find(page, person.name.split()[1])
    await expect(card(page, person).get_by_text("here now")).to_have_count(1)


def card(page: Any, person: Person) -> Any:
    return page.locator(f"[data-member={person.id}]")


async def find(page: Any, name: str) -> None:
    """Where the team is large, not every card is in the page."""
    search = page.get_by_role("searchbox")
    await expect(page.locator(".counts")).to_be_visible()
    if await search.count():
        await search.fill(name)


def notice(page: Any) -> Any:
    return page.locator(".notice")


async def kill(stack: Stack, name: str) -> None:
    """End a part of the stack; its supervisor starts it again."""
    state = stack.folder.running()
    assert state is not None
    os.kill(state.programs[name].pid, signal.SIGKILL)


async def test_a_restart_of_the_gateway_loses_nothing(
    stack: Stack,
    browser: Any,
    home: str,
    wanda: Person,
    other: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    await kill(stack, "realtime-gateway")
    await other.publish("Said while the gateway was away")

    await expect(card(page, other)).to_contain_text("Said while the gateway was away")
    await expect(notice(page)).to_have_count(0)
    await here(page, wanda)


async def test_offline_is_said_and_what_was_missed_comes_by_itself(
    browser: Any,
    home: str,
    wanda: Person,
    other: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    await page.context.set_offline(True)
    await expect(notice(page)).to_contain_text(re.compile(r"Offline since \d\d:\d\d"))
    await expect(page.get_by_text("here now").first).to_contain_text("0 here now")
    await other.publish("Said while the network was away")

    await page.context.set_offline(False)

    await expect(card(page, other)).to_contain_text("Said while the network was away")
    await expect(notice(page)).to_have_count(0)
    await here(page, wanda)


async def test_two_windows_agree_on_what_others_do(
    browser: Any,
    home: str,
    wanda: Person,
    other: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    second = await page.context.new_page()
    await second.goto(home)
    await here(second, wanda)

    await other.publish("Seen in both")
    for window in (page, second):
        await expect(card(window, other)).to_contain_text("Seen in both")
    await other.complete()
    for window in (page, second):
        await expect(card(window, other)).to_contain_text("Nothing set")
        await expect(window.locator(".just-now")).to_contain_text("Seen in both")


async def test_a_session_that_ends_elsewhere_leads_to_sign_in_and_back_to_the_same_place(
    stack: Stack,
    browser: Any,
    home: str,
    http: httpx.AsyncClient,
    wanda: Person,
) -> None:
    page, session = await opened(browser, home, wanda, "/?show=free")
    await http.delete(f"{stack.url('clerk')}/devstack/sessions/{session}")

    await page.wait_for_url("**/sign-in?*")
    await page.locator(".member-choice", has_text=wanda.name).click()

    await page.wait_for_url("**/?show=free*")
    await here(page, wanda)


async def test_who_is_removed_is_told_so(
    stack: Stack,
    browser: Any,
    home: str,
    http: httpx.AsyncClient,
    wanda: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    await http.delete(f"{stack.url('clerk')}/devstack/users/{wanda.id}")

    await expect(page.get_by_role("heading", name="You are no longer in this team")).to_be_visible()
    await expect(page.locator(".card")).to_have_count(0)


async def test_a_token_that_is_refused_is_renewed_unseen(
    stack: Stack,
    browser: Any,
    home: str,
    http: httpx.AsyncClient,
    wanda: Person,
    other: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    await http.post(f"{stack.url('clerk')}/devstack/rotate-key")
    await kill(stack, "realtime-gateway")
    await kill(stack, "api")
    await other.known()
    await other.publish("Said after the key had changed")

    await expect(card(page, other)).to_contain_text("Said after the key had changed")
    await here(page, wanda)


async def test_a_page_that_is_opened_while_the_api_is_away_comes_by_itself(
    stack: Stack,
    browser: Any,
    home: str,
    wanda: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    away = re.compile(r"/api/v1/")
    await page.route(away, lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_role("heading", name="This did not load")).to_be_visible()

    await page.unroute(away)

    await here(page, wanda)


async def test_a_machine_that_has_slept_sees_what_it_missed(
    browser: Any,
    home: str,
    wanda: Person,
    other: Person,
) -> None:
    page, _ = await opened(browser, home, wanda)
    sleeper = await page.context.new_cdp_session(page)
    await sleeper.send("Page.setWebLifecycleState", {"state": "frozen"})
    await other.publish("Said while it slept")
    await sleeper.send("Page.setWebLifecycleState", {"state": "active"})

    await expect(card(page, other)).to_contain_text("Said while it slept")
    await expect(notice(page)).to_have_count(0)
