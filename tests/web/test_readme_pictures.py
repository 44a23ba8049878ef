"""Makes what the README begins with: a picture of the dashboard, and a short film of two members at work.

    RTE_PICTURES=docs/pictures .venv/bin/python -m pytest tests/web/test_readme_pictures.py

Without RTE_PICTURES they go to `.pictures`, so that a run of all tests changes nothing.
"""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.async_api import Page, ViewportSize, expect

from rte_devstack import demo
from rte_devstack.stack import Stack
from rte_testkit.windows import Windows

from .test_states import PICTURES

pytestmark = pytest.mark.nightly

HALF = ViewportSize(width=620, height=520)
FRAME_MS = 160
LAST_MS = 2500
COLOURS = 96


@pytest.fixture(scope="session")
def fresh(start_stack: Callable[..., Stack]) -> Stack:
    """A stack as a newcomer finds it: without what other tests have made."""
    return start_stack(LC_ALL="C.UTF-8")


class Film:
    """Pictures of two windows side by side, one after the other."""

    def __init__(self, *pages: Page) -> None:
        self._pages = pages
        self._frames: list[Image.Image] = []
        self._each: list[int] = []

    async def take(self, milliseconds: int = FRAME_MS) -> None:
        """Take both windows as they are; shown for so long."""
        halves = [Image.open(io.BytesIO(await page.screenshot())).convert("RGB") for page in self._pages]
        frame = Image.new("RGB", (sum(half.width for half in halves) + 8, halves[0].height), "#8a857b")
        for number, half in enumerate(halves):
            frame.paste(half, (number * (half.width + 8), 0))
        self._frames.append(frame.quantize(COLOURS, dither=Image.Dither.NONE))
        self._each.append(milliseconds)

    def save(self, name: str) -> None:
        """Write it, to be shown again and again."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        first, *others = self._frames
        first.save(PICTURES / name, save_all=True, append_images=others, duration=self._each, loop=0, optimize=True)


async def test_the_dashboard(fresh: Stack, windows: Windows) -> None:
    windows = Windows(windows.browser, fresh)
    window = await windows.open(demo.ALEX.id, device_scale_factor=2, viewport={"width": 1180, "height": 640})
    await expect(window.page.get_by_text("Just now")).to_be_visible()
    await expect(window.page.locator(".avatar.here").first).to_be_visible()

    await window.page.screenshot(path=PICTURES / "dashboard.png")

    await windows.close()
    with Image.open(PICTURES / "dashboard.png") as picture:
        assert picture.size == (2360, 1280)


async def test_two_members_at_work(fresh: Stack, windows: Windows) -> None:
    windows = Windows(windows.browser, fresh)
    david, maria = [(await windows.open(one.id, viewport=HALF)).page for one in (demo.DAVID, demo.MARIA)]
    card = maria.locator(f"[data-member={demo.DAVID.id}]")
    await expect(card).to_contain_text("here now")
    film = Film(david, maria)
    await film.take(1200)
    line = david.get_by_role("textbox", name="What are you on?")
    for word in ("fix ", "the ", "login ", "bug ", "in ", "2 h"):
        await line.press_sequentially(word)
        await film.take(220)
    await film.take(900)
    await line.press("Enter")
    await expect(card).to_contain_text("fix the login bug")
    for _ in range(8):
        await film.take()
    await film.take(1500)
    await david.keyboard.press("d")
    await expect(card).to_contain_text("Nothing set")
    for _ in range(8):
        await film.take()
    await film.take(LAST_MS)

    film.save("live.gif")

    await windows.close()
    with Image.open(PICTURES / "live.gif") as film_made:
        assert film_made.n_frames > 10  # type: ignore[attr-defined]
