"""Bring a database to the newest schema: `python -m rte_common.migrate`, with MIGRATION_DATABASE_URL.

That URL names the tables' owner on a direct connection (or a session-mode pooler), not a service's role.
"""

import sys

from alembic import command
from alembic.config import Config
from pydantic import PostgresDsn
from pydantic_settings import BaseSettings

from rte_common.process import load


class MigrationSettings(BaseSettings):
    """Where the migrations run."""

    migration_database_url: PostgresDsn


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` (postgresql://...) up to `revision`. Not inside a running event loop."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision` (`base`: nothing of ours but the roles is left)."""
    command.downgrade(_config(url), revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", "rte_common:migrations")
    config.set_main_option("path_separator", "os")
    driver_url = "postgresql+asyncpg://" + url.split("://", 1)[1]
    config.set_main_option("sqlalchemy.url", driver_url.replace("%", "%%"))
    return config


if __name__ == "__main__":
    upgrade(str(load(MigrationSettings).migration_database_url))
    sys.exit(0)
