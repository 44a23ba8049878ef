"""Answer a list of expectations in one round trip."""

from rte_common.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
