"""What the api keeps: idempotency keys, notification settings, exports, reports, uploaded avatars, and its indexes."""

from rte_common.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
