"""Every page and state is readable for everybody: axe finds nothing, nothing scrolls sideways; pictures are kept."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize

from rte_devstack.folder import REPOSITORY
from rte_testkit.windows import DESKTOP, PHONE, Window, Windows

from .states import PAGES, STATES, State

PICTURES = Path(os.environ.get("RTE_PICTURES") or REPOSITORY / ".pictures")
"""Where the pictures go, for people to look at."""
NARROWEST = ViewportSize(width=320, height=700)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True},
}


async def come_into(windows: Windows, state: State, **options: Any) -> Window:
    """Open a window in this state."""
    window = await windows.open(state.member, state.path, before=state.before, **options)
    if state.after is not None:
        await window.page.wait_for_selector("main [data-usable]")
        await state.after(window.page)
    if state.shows is not None:
        await window.page.wait_for_selector(state.shows)
    await settled(window.page)
    return window


async def settled(page: Page) -> None:
    """Wait for what moves."""
    await page.evaluate(
        "Promise.allSettled(document.getAnimations().filter((each) => each.effect.getTiming().iterations !== Infinity)"
        ".map((each) => each.finished))"
    )


async def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def look_at(windows: Windows, state: State, looks: Sequence[str]) -> None:
    """Take the pictures, and collect everything that is wrong before anything is said."""
    wrong: list[str] = []
    for look in looks:
        window = await come_into(windows, state, **LOOKS[look])
        await window.page.screenshot(path=PICTURES / f"{state.name}-{look}.png")
        wrong += [f"{look}: {violation}" for violation in await window.violations()]
        if look == "phone":
            await window.page.set_viewport_size(NARROWEST)
            wrong += [
                f"at 320 pixels: {too_wide} too wide" for too_wide in [await sideways(window.page)] if too_wide > 0
            ]
        await window.page.unroute_all(behavior="ignoreErrors")  # what is asked again and again may be on its way
        await window.context.close()
    assert wrong == []


@pytest.mark.parametrize("state", PAGES, ids=lambda state: state.name)
async def test_every_page_is_accessible_in_light_and_dark(windows: Windows, state: State) -> None:
    await look_at(windows, state, ["light", "dark"])


@pytest.mark.nightly
@pytest.mark.parametrize("state", PAGES, ids=lambda state: state.name)
async def test_every_page_fits_a_phone(windows: Windows, state: State) -> None:
    await look_at(windows, state, ["phone"])


@pytest.mark.nightly
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
async def test_every_state_is_accessible_in_light_dark_and_on_a_phone(windows: Windows, state: State) -> None:
    await look_at(windows, state, list(LOOKS))
