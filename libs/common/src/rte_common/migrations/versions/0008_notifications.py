"""Notifications: what a member was told, and when they want to be told."""

from rte_common.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
