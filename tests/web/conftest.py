"""A browser for all tests of the web client, and a stack that serves it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from rte_devstack.folder import REPOSITORY
from rte_devstack.stack import Stack
from rte_testkit.browser import CHROMIUM
from rte_testkit.windows import Windows, browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser; every test has contexts of its own in it."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    async with browser() as launched:
        yield launched


@pytest.fixture(scope="session")
def web(stack: Stack) -> Stack:
    """The stack, which serves the web client."""
    if not (REPOSITORY / "web" / "dist" / "index.html").exists():
        pytest.skip("the web client is not built: it needs Node.js")
    return stack


@pytest_asyncio.fixture(loop_scope="session")
async def windows(chromium: Browser, web: Stack) -> AsyncIterator[Windows]:
    """Opens windows, and closes them after the test."""
    opened = Windows(chromium, web)
    yield opened
    await opened.close()
