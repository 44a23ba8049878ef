"""Make an event of an export that has ended, and of a new report."""

from rte_common.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
