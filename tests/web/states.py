"""Every state that the web client was designed for, and how a window comes into it.

Where a state hangs on what the servers say, their answers are changed on the way: these are tests of what is shown.
That the states come about, and end, is proved with the real servers beside.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, Route, WebSocketRoute

from rte_devstack import demo

Json = dict[str, Any]
Arrange = Callable[[Page], Awaitable[None]]
ME = demo.ALEX.id
LONG = "Überarbeitung" * 38
RTL = "إصلاح خطأ تسجيل الدخول في سفاري قبل العرض"
EMOJI = "🏳️‍🌈 Ship the 👩🏽‍💻 launch\nsecond line\n\nthird line"


@dataclass(frozen=True)
class State:
    """A page as somebody sees it."""

    name: str
    path: str = "/"
    member: str | None = ME
    before: Arrange | None = None
    """What is done before the page is opened."""
    after: Arrange | None = None
    """What is done with the page when it is there."""
    shows: str | None = None
    """A CSS selector of what must be there before anybody looks."""


def answers(path: str, change: Callable[[Json], Json | None], status: int = 200) -> Arrange:
    """Change what a GET of `path` answers; for another status the answer is made up."""

    async def arrange(page: Page) -> None:
        async def handle(route: Route) -> None:
            if route.request.method != "GET":
                await route.fallback()
                return
            body = {} if status != 200 else await (await route.fetch()).json()
            media = "application/json" if status == 200 else "application/problem+json"
            await route.fulfill(status=status, content_type=media, body=json.dumps(change(body)))

        await page.route(lambda url: url.split("?")[0].endswith(path), handle)

    return arrange


def together(*parts: Arrange) -> Arrange:
    """One after the other."""

    async def arrange(page: Page) -> None:
        for part in parts:
            await part(page)

    return arrange


def problem(slug: str, status: int, **more: Any) -> Callable[[Json], Json]:
    """An answer that refuses."""
    return lambda _: {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": slug, **more}


def members(count: int) -> Callable[[Json], Json]:
    """A team of so many, the caller first."""

    def change(page: Json) -> Json:
        me = next(item for item in page["items"] if item["id"] == ME)
        others = [
            me | {"id": f"user_{n}", "name": f"Member Number {n}", "avatar_url": None, "role": "member"}
            for n in range(1, count)
        ]
        return {"items": [me, *others], "next_cursor": None}

    return change


def focus(*titles: str, minutes: Callable[[int], float] = lambda n: 20 + n * 45) -> Callable[[Json], Json]:
    """What the first of the team are on, due in so many minutes."""

    def change(page: Json) -> Json:
        example = page["items"][0]
        now = datetime.now(UTC)
        items = [
            example
            | {
                "id": f"00000000-0000-4000-8000-{n:012}",
                "title": title,
                "user_id": user,
                "version": 1,
                "user": {"id": user, "name": user, "avatar_url": None},
                "created_at": (now - timedelta(hours=3)).isoformat(),
                "estimated_completion": (now + timedelta(minutes=minutes(n))).isoformat(),
            }
            for n, title in enumerate(titles)
            for user in [ME if n == 0 else f"user_{n}"]
        ]
        return page | {"items": items}

    return change


def nothing(page: Json) -> Json:
    """An empty list."""
    return page | {"items": [], "next_cursor": None}


async def unanswered(page: Page) -> None:
    """Nothing comes from the api."""

    async def handle(_: Route) -> None:
        return

    await page.route("**/api/v1/**", handle)


async def without_a_socket(page: Page) -> None:
    """No websocket is let through any more; the ones there are end."""

    async def handle(socket: WebSocketRoute) -> None:
        await socket.close()

    await page.route_web_socket("**/realtime/**", handle)


async def offline(page: Page) -> None:
    """The network is gone."""
    await page.context.set_offline(True)


def key(name: str) -> Arrange:
    """Press a key."""

    async def arrange(page: Page) -> None:
        await page.keyboard.press(name)

    return arrange


def people(count: int, *titles: str, **options: Any) -> Arrange:
    """A team of so many who are on these."""
    return together(
        answers("/api/v1/team/members", members(count)), answers("/api/v1/expectations", focus(*titles, **options))
    )


FULL = [f"Something that member number {n} is on for a while" for n in range(450)]
EXPORT = {"id": "00000000-0000-4000-8000-000000000001", "format": "csv", "created_at": "2026-11-02T09:00:00Z"}


def exported(status: str, progress: int) -> Arrange:
    """The one export is so."""
    one = EXPORT | {"status": status, "progress": progress, "finished_at": None, "url": None}
    return answers("/api/v1/exports", lambda page: page | {"items": [one]})


PAGES = (
    State("landing", member=None, shows=".member-choice"),
    State("sign-in", "/sign-in?to=/history", member=None, shows=".member-choice"),
    State("focus", shows="main [data-usable]"),
    State("history", "/history", shows="main time"),
    State("reports", "/reports", shows="main h1"),
    State("notifications", "/notifications", shows="main h1"),
    State("settings", "/settings", shows="main h1"),
    State("members", "/members", shows="main h1"),
    State("wall", "/wall", shows="h1"),
    State("not-found", "/no/such/page", shows="h1"),
)
STATES = (
    State("loading", before=unanswered, shows=".skeleton"),
    State("nothing-set", member=demo.DAVID.id, shows="main [data-usable]"),
    State(
        "first-day",
        before=together(answers("/api/v1/team/members", members(1)), answers("/api/v1/expectations", nothing)),
        shows="main [data-usable]",
    ),
    State("all-late", before=people(6, *FULL[:6], minutes=lambda n: -10 - 50 * n), shows="main [data-usable]"),
    State("crowd", before=people(500, *FULL), shows="main [data-usable]"),
    State("long-titles", before=people(5, LONG, LONG, RTL, EMOJI), shows="main [data-usable]"),
    State("no-results", "/?find=nobody-is-called-so", before=people(12, *FULL[:9]), shows="main [data-usable]"),
    State("offline", after=offline, shows=".notice"),
    State("reconnecting", before=without_a_socket, shows=".notice"),
    State(
        "read-only",
        before=answers("/api/v1/expectations", lambda page: page | {"as_of": "2026-11-02T08:59:00Z"}),
        shows=".notice",
    ),
    State(
        "failed-to-load",
        before=answers("/api/v1/expectations", problem("not-a-member", 403), 403),
        shows="[role=alert]",
    ),
    State(
        "error-of-ours",
        before=answers("/api/v1/expectations", problem("unexpected", 500, trace_id="4bf92f3577b34da6"), 500),
        shows="[role=alert]",
    ),
    State("shortcuts", after=key("?"), shows="[role=dialog]"),
    State("history-empty", "/history", before=answers("/api/v1/expectations", nothing), shows="main h2"),
    State("reports-empty", "/reports", before=answers("/api/v1/reports", nothing), shows="main h2"),
    State("export-running", "/settings", before=exported("running", 40), shows="main [role=progressbar]"),
    State("export-ready", "/settings", before=exported("ready", 100), shows="main h1"),
    State("export-failed", "/settings", before=exported("failed", 40), shows="main h1"),
)
