"""Let members publish, and nobody who has left."""

from rte_common.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
