"""What a request finds in its state: the parts of the running process."""

from dataclasses import dataclass

from storage3 import AsyncStorageClient

from rte_api.authentication import Authentication
from rte_api.avatars.service import Avatars
from rte_api.cache import TeamCache
from rte_api.last_known import LastKnown
from rte_api.limits import RateLimits
from rte_api.settings import Settings
from rte_common.database import Database


@dataclass(frozen=True, slots=True)
class Wiring:
    """Made once by the lifespan, and shared by all requests."""

    settings: Settings
    database: Database
    authentication: Authentication
    limits: RateLimits
    cache: TeamCache
    last_known: LastKnown
    storage: AsyncStorageClient
    avatars: Avatars
