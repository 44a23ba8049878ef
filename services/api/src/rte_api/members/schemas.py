"""What clients see and send."""

from typing import Literal

from pydantic import BaseModel


class TeamView(BaseModel):
    """The caller's team."""

    id: str
    name: str


class Me(BaseModel):
    """The caller."""

    id: str
    name: str
    avatar_url: str | None
    timezone: str
    role: Literal["admin", "member"]
    team: TeamView
