"""Bring a database to the newest schema: `python -m rte_common.migrate`, with MIGRATION_DATABASE_URL.

That URL names the tables' owner on a direct connection (or a session-mode pooler), not a service's role.
"""

import sys

from alembic import command
from alembic.config import Config
from pydantic import Field

from rte_common.database_url import DatabaseUrl
from rte_common.migrations import NotConnected, UnknownVersion
from rte_common.process import load
from rte_common.settings import Variables


class MigrationSettings(Variables):
    """Database that is migrated."""

    migration_database_url: DatabaseUrl = Field(
        description="the tables' owner, on a direct connection or a session-mode pooler"
    )


def upgrade(url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Migrate the database at `url` (postgresql://...) up to `revision`; the versions before and after.

    Raises NotConnected and UnknownVersion. Not inside a running event loop.
    """
    config = _config(url)
    command.upgrade(config, revision)
    before, after = config.attributes["revisions"]
    return before, after


def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision` (`base`: nothing of ours but the roles is left)."""
    command.downgrade(_config(url), revision)


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", "rte_common:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def main() -> None:
    """Migrate and say so; exit code 1 and one line when the database cannot be reached, or is at an unknown version."""
    url = load(MigrationSettings).migration_database_url
    try:
        before, after = upgrade(url)
    except NotConnected as error:
        print(f"error: {error}: check MIGRATION_DATABASE_URL", file=sys.stderr)
        sys.exit(1)
    except UnknownVersion as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    history = "as before" if before == after else f"and was {f'at {before}' if before else 'empty'}"
    print(f"the schema is at version {after}, {history}")


if __name__ == "__main__":
    main()
