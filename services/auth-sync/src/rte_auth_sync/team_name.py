"""What the one team is called, where everybody is in one: a setting says it, because no organization at Clerk does."""

import asyncio

import structlog

from rte_auth_sync.settings import Settings
from rte_common.auth import DEFAULT_TEAM
from rte_common.database import FAILURES, Database
from rte_common.settings import TeamMode

RETRY_SECONDS = 5

log = structlog.get_logger(__name__)


async def name_team(database: Database, settings: Settings) -> None:
    """Give the one team the name that the settings say, if they say one, as soon as the database can be told."""
    if settings.team_mode is not TeamMode.SINGLE or settings.team_name is None:
        return
    while True:
        try:
            async with database.as_service() as connection:
                await connection.execute(
                    "update teams set name = $1 where id = $2 and name <> $1", settings.team_name, DEFAULT_TEAM
                )
        except FAILURES as error:
            log.warning("team_not_named", error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
