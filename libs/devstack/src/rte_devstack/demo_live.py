"""`make up DEMO=live`: colleagues who publish, move and finish, so that a page has something to show by itself.

A process of its own, which does what people do: over REST, with tokens from the Clerk stand-in, within the limits. All
of the demo team act but Alex, who is left to whoever looks.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog
from pydantic import Field

from rte_common import telemetry
from rte_common.process import load
from rte_common.settings import ProcessSettings, TeamMode, TeamSettings
from rte_devstack.demo import ALEX, DemoMember, members

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 5, 20
"""Between two acts of the team. Nobody acts twice running, so even the busiest stay under ten writes a minute."""
MINUTES = (20, 30, 45, 60, 90, 120, 180)
"""What people think that things take."""

log = structlog.get_logger(__name__)
Pause = Callable[[float], Awaitable[None]]


class Settings(TeamSettings, ProcessSettings):
    """Where the colleagues find the stack."""

    clerk_url: str = Field(description="the Clerk stand-in")
    api_url: str = Field(description="address below which /api/v1 is")


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member who acts for themselves."""

    http: httpx.AsyncClient
    member: DemoMember
    clerk_url: str
    api_url: str
    chance: random.Random

    async def act(self) -> str:
        """Do one thing, and say what; httpx.HTTPError when it is refused or nobody answers."""
        asked = await self.http.post(f"{self.clerk_url}/devstack/tokens", json={"member": self.member.id})
        headers = {"authorization": f"Bearer {asked.raise_for_status().json()['token']}"}
        url = f"{self.api_url}/api/v1/expectations"
        query = {"status": "active", "user_id": "me"}
        listed = await self.http.get(url, params=query, headers=headers)
        active: list[dict[str, Any]] = listed.raise_for_status().json()["items"]
        if not active:
            title = self.chance.choice(self.member.work.titles)
            new = {"title": title, "estimated_completion": self._estimate()}
            answer = await self.http.post(url, json=new, headers=headers)
            done = "published"
        elif self.chance.random() < 0.6:
            answer = await self.http.post(f"{url}/{active[0]['id']}/complete", headers=headers)
            done = "finished"
        else:
            change = {"estimated_completion": self._estimate()}
            answer = await self.http.patch(f"{url}/{active[0]['id']}", json=change, headers=headers)
            done = "moved"
        answer.raise_for_status()
        return done

    def _estimate(self) -> str | None:
        if self.chance.random() < 0.1:
            return None
        due = datetime.now(UTC) + timedelta(minutes=self.chance.choice(MINUTES))
        return due.replace(second=0, microsecond=0).isoformat()


async def act_for_good(colleagues: Sequence[Colleague], chance: random.Random, pause: Pause = asyncio.sleep) -> None:
    """Have one colleague after the other act, at irregular intervals, whatever fails meanwhile."""
    last: Colleague | None = None
    while True:
        await pause(chance.uniform(MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS))
        last = chance.choice([colleague for colleague in colleagues if colleague is not last])
        try:
            log.info("colleague_acted", member=last.member.id, act=await last.act())
        except httpx.HTTPError as error:  # a service starts again, or somebody else acts as this member
            log.info("colleague_hindered", member=last.member.id, error=repr(error))


def colleagues_of(
    http: httpx.AsyncClient, clerk_url: str, api_url: str, mode: TeamMode, chance: random.Random
) -> list[Colleague]:
    """Everybody of the demo team but Alex."""
    return [Colleague(http, member, clerk_url, api_url, chance) for member in members(mode) if member is not ALEX]


async def act(settings: Settings) -> None:
    """Act until the process is ended."""
    chance = random.Random()  # noqa: S311  # no secret
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        colleagues = colleagues_of(http, settings.clerk_url, settings.api_url, settings.team_mode, chance)
        await act_for_good(colleagues, chance)


def main() -> None:
    """Act until SIGTERM."""
    settings = load(Settings)
    telemetry.setup("demo-live", settings)
    asyncio.run(act(settings))


if __name__ == "__main__":
    main()
