"""What requests find in `scope["state"]`, which is `request.state`: what the lifespan made, and who is asking."""

from collections.abc import Callable
from typing import TypedDict

from storage3 import AsyncStorageClient

from rte_api.authentication import Authentication
from rte_api.cache import Generation, TeamCache
from rte_api.limits import RateLimits
from rte_api.settings import Settings
from rte_common.auth import Member
from rte_common.database import Database


class State(TypedDict):
    """Parts of the running process, made once by the lifespan; a feature that needs more derives its own."""

    settings: Settings
    database: Database
    authentication: Authentication
    limits: RateLimits
    cache: TeamCache
    storage: AsyncStorageClient
    team_changed: Callable[[str], None]
    """Callback with the id of a team that a request has changed, before the answer leaves."""


class RequestState(State):
    """State of a request that the middleware let in; on a public path there is only State."""

    member: Member
    """Member who is asking, as the token proves."""
    generation: Generation | None
    """Generation of the team's cache into which the answer may be put; None when it may not."""
