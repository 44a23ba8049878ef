"""The demo team: who is in it, and how an empty stack is filled with it.

Everything goes the way it goes in production: members are made at Clerk, so that webhooks bring them to auth-sync, and
what they are on is published over REST with each member's own token. Only their past is not (demo_past.py).
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_exponential

from rte_common.auth import DEFAULT_TEAM
from rte_common.settings import TeamMode
from rte_devstack import demo_past
from rte_devstack.demo_past import Work, Worker
from rte_devstack.stack import TEAM_NAME


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization at Clerk, under a fixed id."""

    id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class DemoMember:
    """A member with a fixed Clerk id, what their days are made of, and what they are on, if anything."""

    first_name: str
    last_name: str
    organization: Organization
    work: Work
    expectation: str | None = None
    hours: int = 8
    """From now until it should be done."""
    admin: bool = False

    @property
    def id(self) -> str:
        """The Clerk user id: always the same, so that tests and scripts may name it."""
        return fixed_id("user", f"2Demo{self.first_name}")

    @property
    def name(self) -> str:
        """What `make token MEMBER=` and the tests call the member."""
        return self.first_name.lower()

    @property
    def email(self) -> str:
        """An address that no mail reaches (RFC 2606)."""
        return f"{self.name}@example.com"


def fixed_id(prefix: str, text: str) -> str:
    """Make an id of Clerk's length, the same for the same text."""
    return f"{prefix}_{text.ljust(27, '0')}"


KESTREL = Organization(fixed_id("org", "2DemoKestrelHarbour"), TEAM_NAME, "kestrel-harbour")
NORTHWIND = Organization(fixed_id("org", "2DemoNorthwind"), "Northwind", "northwind")

ALEX = DemoMember(
    "Alex",
    "Morgan",
    KESTREL,
    Work(
        ("Draft", "Rewrite", "Get feedback on", "Brief the agency on", "Budget", "Schedule", "Present", "Sign off"),
        (
            *("the autumn newsletter", "the pricing page", "the partner webinar", "the Lisbon conference booth"),
            *("the customer story with Halden", "the launch announcement", "the press kit", "the referral campaign"),
            *("the brand guidelines", "next quarter's campaign plan"),
        ),
    ),
    "Finalize Q3 marketing report",
    6,
    admin=True,
)
MARIA = DemoMember(
    "Maria",
    "Silva",
    KESTREL,
    Work(
        ("Outline", "Write", "Review with support", "User-test", "Translate", "Shorten", "Publish"),
        (
            *("the welcome mail", "the setup guide", "the import tutorial", "the empty states", "the trial reminder"),
            *("the invitation flow", "the help center's start page", "the keyboard cheat sheet", "the release notes"),
            "the first-week survey",
        ),
    ),
    "Ship the onboarding checklist",
    26,
)
# On nothing, so that who has just started the stack can publish as him.
DAVID = DemoMember(
    "David",
    "Okafor",
    KESTREL,
    Work(
        ("Profile", "Fix the flaky test of", "Refactor", "Review the changes to", "Document", "Roll out", "Load-test"),
        (
            *("the billing webhooks", "the search index", "the export job", "the login on Safari", "the audit log"),
            *("the session cache", "the invoice PDF", "the image uploads", "the rate limiter", "the nightly backup"),
        ),
    ),
)
SOPHIA = DemoMember(
    "Sophia",
    "Lindqvist",
    KESTREL,
    Work(
        ("Sketch", "Prototype", "Run interviews on", "Synthesize notes on", "Check the contrast of", "Hand over"),
        (
            *(
                "the mobile navigation",
                "the dashboard cards",
                "the date picker",
                "the notification center",
                "dark mode",
            ),
            *("the settings page", "the search results", "the weekly report", "the icons", "the sign-up form"),
        ),
    ),
    "Usability test of the dashboard",
    4,
)
NORA = DemoMember(
    "Nora",
    "Haugen",
    NORTHWIND,
    Work(
        ("Negotiate", "Compare offers for", "Inspect", "Plan", "Renew", "Call the insurer about"),
        (
            "the cold store",
            "the loading dock",
            "the forklift leases",
            "the Bergen route",
            "the night shift",
            "the roof",
        ),
    ),
    "Negotiate the warehouse lease",
    30,
    admin=True,
)
OTTO = DemoMember(
    "Otto",
    "Brandt",
    NORTHWIND,
    Work(
        ("Count", "Reorder", "Relabel", "Move", "Check the delivery of", "Write off"),
        ("the winter tyres", "the rain jackets", "the paint", "the spare parts", "the returned goods", "the pallets"),
    ),
    "Count the winter stock",
)

MEMBERS = (ALEX, MARIA, DAVID, SOPHIA, NORA, OTTO)


class DemoNotFilled(Exception):
    """The stack did not take the demo team; the message says where it stopped."""


def members(mode: TeamMode) -> tuple[DemoMember, ...]:
    """Return who is filled in: with one single team the four of Kestrel Harbour, else Northwind too."""
    return MEMBERS if mode is TeamMode.ORGANIZATIONS else tuple(m for m in MEMBERS if m.organization is KESTREL)


async def fill(
    clerk_url: str,
    api_url: str,
    database_url: str,
    mode: TeamMode = TeamMode.SINGLE,
    *,
    timezone: str = "UTC",
    seconds: float = 60,
) -> None:
    """Make the demo team known and give it something to show, once: what members do afterwards stays as they left it.

    `clerk_url` is the stand-in's address, `api_url` the one below which /api/v1 is, `database_url` the tables' owner's;
    weeks begin in `timezone`. Raises DemoNotFilled when a member is not known to the api after `seconds`, or when
    something is refused.
    """
    team = members(mode)
    workers = [Worker(team_of(member, mode), member.id, member.work) for member in team]
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        await make_members(http, clerk_url, team)
        headers = await asyncio.gather(*(_sign_in(http, clerk_url, api_url, member, seconds) for member in team))
        # The past comes last, in one transaction: who has one was filled in, and an interrupted start is finished.
        if await demo_past.exists(database_url, {worker.team_id for worker in workers}):
            return
        await asyncio.gather(
            *(
                _show(http, api_url, member, own)
                for member, own in zip(team, headers, strict=True)
                if member.expectation
            )
        )
    await demo_past.write(database_url, workers, datetime.now(UTC), timezone=timezone)


def team_of(member: DemoMember, mode: TeamMode) -> str:
    """Return the id of the member's team in the database."""
    return member.organization.id if mode is TeamMode.ORGANIZATIONS else DEFAULT_TEAM


async def make_members(http: httpx.AsyncClient, clerk_url: str, team: tuple[DemoMember, ...]) -> None:
    """Make users, organizations and memberships at the Clerk stand-in, which tells auth-sync."""
    for member in team:
        user = {"id": member.id, "first_name": member.first_name, "last_name": member.last_name}
        metadata = {"role": "admin"} if member.admin else {}
        await _make(
            http, f"{clerk_url}/devstack/users", user | {"email_address": member.email, "public_metadata": metadata}
        )
    for organization in dict.fromkeys(member.organization for member in team):
        founder = next(member for member in team if member.organization is organization and member.admin)
        new = {"id": organization.id, "name": organization.name, "slug": organization.slug, "created_by": founder.id}
        await _make(http, f"{clerk_url}/devstack/organizations", new)
    for member in team:
        joined = {"organization_id": member.organization.id, "user_id": member.id}
        role = "org:admin" if member.admin else "org:member"
        await _make(http, f"{clerk_url}/devstack/memberships", joined | {"role": role})


async def _make(http: httpx.AsyncClient, url: str, new: dict[str, Any]) -> None:
    answer = await http.post(url, json=new)
    there_already = {"form_identifier_exists", "already_a_member_in_organization"}
    if answer.status_code == 422 and answer.json()["errors"][0]["code"] in there_already:
        return
    _must(answer, 201)


async def _sign_in(
    http: httpx.AsyncClient, clerk_url: str, api_url: str, member: DemoMember, seconds: float
) -> dict[str, str]:
    """Return the headers with which the member calls, as soon as the api knows them."""
    answer = await http.post(f"{clerk_url}/devstack/tokens", json={"member": member.id, "lifetime": 600})
    headers = {"authorization": f"Bearer {_must(answer, 200).json()['token']}"}
    await _known(http, f"{api_url}/api/v1/team/members", headers, member, seconds)
    return headers


async def _show(http: httpx.AsyncClient, api_url: str, member: DemoMember, headers: dict[str, str]) -> None:
    """Publish what the member is on, unless they are on something."""
    due = datetime.now(UTC) + timedelta(hours=member.hours)
    new = {"title": member.expectation, "estimated_completion": due.isoformat(timespec="seconds")}
    answer = await http.post(f"{api_url}/api/v1/expectations", json=new, headers=headers)
    if answer.status_code != 409:  # active-expectation-exists: an earlier start came this far, or the member was faster
        _must(answer, 201)


async def _known(
    http: httpx.AsyncClient, url: str, headers: dict[str, str], member: DemoMember, seconds: float
) -> None:
    """Wait until auth-sync has made the member known to the api, and the membership, which comes after it."""
    waiting = AsyncRetrying(
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.05, max=1),
        retry=retry_if_exception_type((DemoNotFilled, httpx.TransportError)),
    )
    try:
        async for attempt in waiting:
            with attempt:
                listed = _must(await http.get(url, headers=headers), 200).json()["items"]
                if member.id not in {item["id"] for item in listed}:
                    raise DemoNotFilled(f"{url} does not list {member.id}")
    except RetryError as error:
        last = error.last_attempt.exception()
        raise DemoNotFilled(f"{member.first_name} is not known to the api after {seconds:g} s: {last!r}") from error


def _must(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        asked = answer.request
        raise DemoNotFilled(f"{asked.method} {asked.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer
