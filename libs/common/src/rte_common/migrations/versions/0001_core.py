"""Members, expectations, the outbox with its capture triggers, and row level security."""

from rte_common.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
