"""What members do with the page, as they do it: with the keyboard, in two windows, and what the others see of it."""

from typing import NamedTuple

import pytest
from playwright.async_api import Locator, Page, Route, expect

from rte_devstack.stack import Stack
from rte_testkit.windows import PATIENCE_MS, Window, Windows, newcomer

expect.set_options(timeout=PATIENCE_MS)


class Two(NamedTuple):
    """A member's window, and a colleague's."""

    mine: Page
    others: Page
    my_id: str

    @property
    def title(self) -> Locator:
        """What I am on, in my window."""
        return self.mine.locator(".focus-title")

    @property
    def card(self) -> Locator:
        """My card, as the colleague sees it."""
        return self.others.locator(f"[data-member={self.my_id}]")


@pytest.fixture
async def two(web: Stack, windows: Windows) -> Two:
    """Two new members, each in a window."""
    ids = [await newcomer(web, name) for name in ("Ada", "Bruno")]
    mine, others = [(await windows.open(member_id)).page for member_id in ids]
    for page in (mine, others):
        await page.wait_for_selector("main [data-usable]")
    await expect(others.locator(f"[data-member={ids[0]}]")).to_contain_text("here now")
    return Two(mine, others, ids[0])


async def say(page: Page, text: str) -> None:
    """Type what one is on, and publish it."""
    await page.get_by_role("textbox", name="What are you on?").fill(text)
    await page.keyboard.press("Enter")


async def test_everything_is_done_with_the_keyboard_and_seen_by_the_others_at_once(two: Two) -> None:
    await expect(two.mine.get_by_role("textbox", name="What are you on?")).to_be_focused()
    await two.mine.keyboard.type("fix the login bug tomorrow at 17:00")
    await expect(two.mine.locator(".composer-said")).to_contain_text("tomorrow 17:00")
    await two.mine.keyboard.press("Enter")
    await expect(two.title).to_have_text("fix the login bug")
    await expect(two.card).to_contain_text("fix the login bug")

    await two.mine.keyboard.press("e")
    await two.mine.keyboard.press("Control+A")
    await two.mine.keyboard.type("fix the sign-in bug")
    await two.mine.keyboard.press("Enter")
    await expect(two.card).to_contain_text("fix the sign-in bug")

    await two.mine.keyboard.press("d")
    await expect(two.card).to_contain_text("Nothing set")
    just_now = two.others.get_by_role("listitem").filter(has_text="finished fix the sign-in bug")
    await expect(just_now).to_contain_text("early")

    await two.mine.keyboard.press("u")
    await expect(two.title).to_have_text("fix the sign-in bug")
    await expect(two.card).to_contain_text("fix the sign-in bug")


async def test_what_is_deleted_comes_back_with_undo(two: Two) -> None:
    await say(two.mine, "Write the release notes in 3 h")
    await expect(two.card).to_contain_text("Write the release notes")
    await two.mine.get_by_role("button", name="More").click()
    await two.mine.get_by_role("menuitem", name="Delete").click()
    await expect(two.card).to_contain_text("Nothing set")

    await two.mine.get_by_role("button", name="Undo").click()

    await expect(two.title).to_have_text("Write the release notes")
    await expect(two.card).to_contain_text("Write the release notes")


async def test_titles_keep_what_people_type(two: Two) -> None:
    title = "🏳️‍🌈 إصلاح الخطأ\nsecond line <b>&amp;"
    await say(two.mine, title)

    await expect(two.title).to_have_text(title, use_inner_text=True)
    await expect(two.card.locator(".what")).to_have_text(title, use_inner_text=True)


async def test_a_second_focus_from_another_window_is_told_and_may_replace_the_first(
    two: Two, windows: Windows, web: Stack
) -> None:
    # A window that hears nothing does not know of the first.
    async def silent(page: Page) -> None:
        await page.route_web_socket("**/realtime/**", lambda _: None)

    other = (await windows.open(two.my_id, before=silent)).page
    await other.wait_for_selector("main [data-usable]")
    await say(two.mine, "The first")
    await expect(two.title).to_have_text("The first")
    await say(other, "The second")

    await expect(other.get_by_role("alert")).to_contain_text("you already have a focus from another window")
    await other.get_by_role("button", name="Replace it").click()
    await expect(two.title).to_have_text("The second")
    await expect(two.card).to_contain_text("The second")


async def test_what_the_server_refuses_is_said_at_the_field_and_nothing_is_lost(two: Two) -> None:
    async def too_many(route: Route) -> None:
        body = '{"type": "/problems/too-many-requests", "status": 429, "title": "", "detail": ""}'
        await route.fulfill(
            status=429, headers={"retry-after": "40", "content-type": "application/problem+json"}, body=body
        )

    await two.mine.route("**/api/v1/expectations", too_many, times=1)
    await say(two.mine, "Too much at once")

    await expect(two.mine.locator(".composer .error")).to_contain_text("Possible again in")
    await expect(two.mine.get_by_role("textbox")).to_have_value("Too much at once")
    await expect(two.card).to_contain_text("Nothing set")


async def test_what_is_done_offline_is_kept_and_sent_when_the_network_is_back(two: Two) -> None:
    await two.mine.context.set_offline(True)
    await expect(two.mine.locator(".notice")).to_contain_text("Offline since")
    await say(two.mine, "Said in the tunnel")
    await expect(two.title).to_have_text("Said in the tunnel")
    await expect(two.mine.get_by_text("Your change is kept and sent when you are back.")).to_be_visible()
    await say(two.others, "Said meanwhile")

    await two.mine.context.set_offline(False)

    await expect(two.card).to_contain_text("Said in the tunnel")
    await expect(two.mine.get_by_text("Said meanwhile")).to_be_visible()
    await expect(two.mine.locator(".notice")).to_have_count(0)


async def test_a_second_member_signs_in_in_a_window_of_their_own(web: Stack, windows: Windows) -> None:
    first = await windows.open()
    await first.page.get_by_role("button", name="Alex Morgan").click()
    await first.page.wait_for_selector("main [data-usable]")
    landing = await first.context.new_page()
    await landing.goto(f"{web.origin}/sign-in?own-window")
    await landing.get_by_role("button", name="Maria Silva").click()
    await landing.wait_for_selector("main [data-usable]")

    await first.page.reload()

    await expect(first.page.get_by_role("button", name="Menu of Alex Morgan")).to_be_visible()
    await expect(landing.get_by_role("button", name="Menu of Maria Silva")).to_be_visible()
    assert first.troubles == []


async def test_signing_out_ends_in_every_window(web: Stack, windows: Windows) -> None:
    window: Window = await windows.open(await newcomer(web, "Cleo"), "/history")
    await window.page.get_by_role("button", name="Menu of Cleo").click()
    await window.page.get_by_role("menuitem", name="Sign out").click()

    await expect(window.page.get_by_role("heading", name="Know what everybody is on")).to_be_visible()
