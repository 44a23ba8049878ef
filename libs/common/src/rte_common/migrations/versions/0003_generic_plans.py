"""Plan each prepared statement of the api once."""

from rte_common.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
