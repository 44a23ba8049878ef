"""Archived expectations are a list of their own."""

from rte_common.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
