"""Benchmark of the web client: what the first load costs, and how quick a full dashboard is on a slow machine.

    .venv/bin/python tests/bench/page.py [--loads 20] [--members 500] [--seconds 20] [--json result.json]

A whole stack of its own, Debian's Chromium with its CPU slowed down four times, everything through Traefik on loopback.
"usable" is when the member may type what they are on, or act on it; the first load is what of the page's own files has
come until then, compressed. "interaction to paint" is the browser's own Event Timing (rounded to 8 ms by it) of keys
and clicks while others change what they are on, five times a second.
"""

import argparse
import asyncio
import itertools
import json
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import asyncpg
from playwright.async_api import Browser, Page

from api import started
from rte_devstack import demo
from rte_devstack.postgres import psql
from rte_devstack.stack import Stack
from rte_testkit.windows import Window, Windows, browser

SLOWDOWN = 4
CHANGES_PER_SECOND = 5
GOALS = {"first load, KB": 200, "usable, p95 ms": 1500, "interaction to paint, p95 ms": 100}
LONG_TASKS = """
    window.measured = { long: [], events: [] }
    new PerformanceObserver((list) => measured.long.push(...list.getEntries().map((entry) => entry.duration)))
      .observe({ type: 'longtask', buffered: true })
    new PerformanceObserver((list) => measured.events.push(...list.getEntries().filter((entry) => entry.interactionId)
      .map((entry) => entry.duration))).observe({ type: 'event', durationThreshold: 16, buffered: true })
"""
USABLE = """
    window.usable = null
    new MutationObserver((_, observer) => {
      if (!document.querySelector('main [data-usable]')) return
      observer.disconnect()
      requestAnimationFrame(() => setTimeout(() => (usable = performance.now())))
    }).observe(document, { childList: true, subtree: true })
"""
# The page's policy forbids what Playwright's own waiting for a value does.
MEASURED = "new Promise((told) => { const look = () => usable ? told(usable) : requestAnimationFrame(look); look() })"
FIRST_LOAD = """
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter((entry) => entry.entryType === 'navigation' || entry.name.includes('/assets/'))
      .filter((entry) => entry.responseEnd <= usable)
      .reduce((sum, entry) => sum + entry.encodedBodySize, 0)
"""
CROWD = """
    insert into users (id, email, name, timezone)
    select 'user_crowd' || n, 'crowd' || n || '@example.com', 'Crowd Member ' || n, 'Europe/Lisbon'
    from generate_series(1, {count}) n;
    insert into memberships (team_id, user_id, role)
    select '{team}', 'user_crowd' || n, 'member' from generate_series(1, {count}) n;
    insert into expectations (team_id, user_id, title, estimated_completion)
    select '{team}', 'user_crowd' || n, 'Something that takes member ' || n || ' a while', now() + n * interval '1 min'
    from generate_series(1, {count} - {count} / 10) n;
"""
CHANGE = """
    update expectations set title = 'Changed at ' || clock_timestamp()
    where user_id = 'user_crowd{number}' and not is_done
"""


async def slowed(page: Page) -> Any:
    """Slow the page's CPU down, and return the session that did."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    return devtools


async def loads(launched: Browser, stack: Stack, count: int) -> dict[str, float]:
    """Open the dashboard `count` times with nothing kept, and tell bytes and milliseconds."""
    bytes_each, ms = [], []
    for _ in range(count):
        windows = Windows(launched, stack)
        window = await windows.open(demo.ALEX.id, "/health-of-nothing.txt")
        await slowed(window.page)
        await window.page.add_init_script(USABLE)
        await window.page.goto(stack.origin)
        await window.page.wait_for_selector("main [data-usable]")
        ms.append(float(await window.page.evaluate(MEASURED)))
        bytes_each.append(int(await window.page.evaluate(FIRST_LOAD)))
        await windows.close()
    p95 = quantiles(ms, n=20)[-1] if count > 1 else ms[0]
    return {"first load, KB": median(bytes_each) / 1000, "usable, median ms": median(ms), "usable, p95 ms": p95}


async def interactions(window: Window, seconds: float) -> None:
    """Type, filter and move about as people do, for so long."""
    page = window.page
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await page.keyboard.press("/")
                await page.keyboard.type("member 4", delay=80)
                await page.keyboard.press("Control+A")
                await page.keyboard.press("Delete")
                await page.keyboard.press("Escape")
                for key in ("j", "j", "j", "k", "?", "Escape"):
                    await page.keyboard.press(key)
                    await asyncio.sleep(0.1)
                await page.mouse.wheel(0, 600)
                await page.mouse.wheel(0, -600)


async def changes(stack: Stack, members: int) -> None:
    """Have others change what they are on, until cancelled."""
    connection = await asyncpg.connect(stack.postgres.url())
    for number in itertools.cycle(range(1, members + 1)):
        await connection.execute(CHANGE.format(number=number))
        await asyncio.sleep(1 / CHANGES_PER_SECOND)


async def full_house(launched: Browser, stack: Stack, members: int, seconds: float) -> dict[str, float]:
    """The dashboard of a big team, used while it changes."""
    psql(stack.postgres.url(), CROWD.format(count=members, team=demo.KESTREL.id))
    windows = Windows(launched, stack)
    window = await windows.open(demo.ALEX.id)
    await window.page.wait_for_selector("main [data-usable]")
    await slowed(window.page)
    await window.page.evaluate(LONG_TASKS)
    async with asyncio.TaskGroup() as group:
        others = group.create_task(changes(stack, members - members // 10))
        await interactions(window, seconds)
        others.cancel()
    measured = await window.page.evaluate("measured")
    await windows.close()
    events = measured["events"] or [0.0]
    return {
        "interactions": len(events),
        "interaction to paint, median ms": median(events),
        "interaction to paint, p95 ms": quantiles(events, n=20)[-1] if len(events) > 1 else events[0],
        "long tasks (over 50 ms)": len(measured["long"]),
        "longest task, ms": max(measured["long"], default=0.0),
    }


async def measure(stack: Stack, options: argparse.Namespace) -> dict[str, float]:
    """All figures."""
    async with browser() as launched:
        figures = await loads(launched, stack, options.loads)
        return figures | await full_house(launched, stack, options.members, options.seconds)


def show(figures: dict[str, float]) -> None:
    """Print the table."""
    width = max(map(len, figures))
    for name, value in figures.items():
        goal = GOALS.get(name)
        verdict = "" if goal is None else f"   goal {goal}: {'met' if value < goal else 'missed'}"
        print(f"{name:{width}} {value:10.1f}{verdict}")


def main() -> None:
    """Start, measure, print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--loads", type=int, default=20, help="how often the page is loaded")
    arguments.add_argument("--members", type=int, default=500, help="members on the full dashboard")
    arguments.add_argument("--seconds", type=float, default=20, help="how long it is used while it changes")
    arguments.add_argument("--json", type=Path, help="where to write the result too")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="rte-bench-") as folder, ExitStack() as running:
        stack = running.enter_context(started(Path(folder) / "stack"))
        figures = asyncio.run(measure(stack, options))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
