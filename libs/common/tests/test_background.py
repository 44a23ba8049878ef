"""What runs beside a service ends with it."""

import asyncio

import pytest

from rte_common import process
from rte_common.process import background


async def test_a_task_that_loses_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CANCEL_AGAIN_SECONDS", 0.01)
    began, lost = asyncio.Event(), asyncio.Event()

    async def lose_the_first() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with background(lose_the_first()):
            await began.wait()
    assert lost.is_set()
