"""Upkeep by the clock: end what has run out, drop what is old, drain before the process stops, and hand over."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog

from rte_common.process import Health
from rte_realtime_gateway import metrics
from rte_realtime_gateway.hub import Hub

log = structlog.get_logger(__name__)

CHECK_SECONDS = 1.0
"""Seconds between two looks at deadlines."""
PRUNE_EVERY = 30
"""Looks at deadlines between two times at which old things are dropped."""
SLICE_SECONDS = 0.1
"""Seconds between two slices of sockets that are closed."""
DRAIN_SHARE = 0.8
"""Part of the drain time over which sockets are closed; the rest is for their clients' answers."""
HAND_OVER_SECONDS = 3.0
"""Seconds that the end of the process waits for all that is handed over to the peers, together."""


async def run(hub: Hub) -> None:
    """Have the hub check deadlines and drop what is old, until cancelled."""
    turn = 0
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        turn += 1
        try:
            hub.check_deadlines()
            metrics.TASKS.set(len(asyncio.all_tasks()))
            if turn % PRUNE_EVERY == 0:
                hub.prune()
        except Exception:
            # What is dropped late costs memory; the end of the process would cost everybody the connection.
            log.exception("upkeep_failed")


async def drain(hub: Hub, health: Health, seconds: float) -> None:
    """Once the process is told to stop, close the sockets in slices spread over the drain time.

    Clients reconnect at once and without jitter of their own: closed together they would come back together.
    """
    await health.drain_began.wait()
    hub.draining = True
    slices = max(1, math.floor(seconds * DRAIN_SHARE / SLICE_SECONDS))
    log.info("sockets_drain", sockets=len(hub.clients), slices=slices)
    for left in range(slices, 0, -1):
        hub.close_some(math.ceil(len(hub.clients) / left))
        await asyncio.sleep(SLICE_SECONDS)


async def hand_over(*parts: Callable[[], Awaitable[None]]) -> None:
    """Tell the peers what they do not know yet. Without it they find out later: the stop waits for none."""
    await asyncio.gather(*map(_hand_over, parts))


async def _hand_over(part: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(HAND_OVER_SECONDS):
            await part()
    except Exception as error:
        log.warning("hand_over_failed", part=part.__qualname__, error=repr(error))
