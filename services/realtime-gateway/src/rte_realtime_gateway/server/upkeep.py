"""What the process does by the clock: end what has run out, forget what is old, and drain before it stops."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog

from rte_common.process import Health
from rte_realtime_gateway import metrics
from rte_realtime_gateway.hub import Hub

log = structlog.get_logger(__name__)

TIDY_SECONDS = 1.0
FORGET_EVERY = 30
SLICE_SECONDS = 0.1
DRAIN_SHARE = 0.8
"""Part of the drain time over which sockets are closed; the rest is for their clients' answers."""

LEAVE_SECONDS = 3.0
"""How long the end of the process waits for those that tell the other replicas something, all together."""


async def tidy(hub: Hub) -> None:
    """Keep the hub clean until cancelled."""
    turn = 0
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        turn += 1
        try:
            hub.tidy()
            metrics.TASKS.set(len(asyncio.all_tasks()))
            if turn % FORGET_EVERY == 0:
                hub.forget()
        except Exception:
            # What is tidied late costs memory; the end of the process would cost everybody the connection.
            log.exception("upkeep_failed")


async def drain(hub: Hub, health: Health, seconds: float) -> None:
    """Once the process is told to stop, close the sockets in slices spread over the drain time.

    Clients reconnect at once and without jitter of their own: closed together they would come back together.
    """
    await health.drain_began.wait()
    hub.draining = True
    slices = max(1, math.floor(seconds * DRAIN_SHARE / SLICE_SECONDS))
    log.info("sockets_drain", sockets=len(hub.sessions), slices=slices)
    for left in range(slices, 0, -1):
        hub.close_some(math.ceil(len(hub.sessions) / left))
        await asyncio.sleep(SLICE_SECONDS)


async def take_leave(*farewells: Callable[[], Awaitable[None]]) -> None:
    """Tell the other replicas what they do not know yet. Without it they find out later: the stop waits for none."""
    await asyncio.gather(*map(_take_leave, farewells))


async def _take_leave(farewell: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await farewell()
    except Exception as error:
        log.warning("leave_not_taken", farewell=farewell.__qualname__, error=repr(error))
