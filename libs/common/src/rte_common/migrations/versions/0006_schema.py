"""The schema of 0.1.0.

It is number 6 because databases from before the first release went there in six steps, and are left as they are.
"""

from rte_common.migrations import run_sql

revision = "0006"
down_revision = None


def upgrade() -> None:
    """Make it."""
    for part in ("roles", "tables", "triggers", "policies", "lists"):
        run_sql(__file__, part)


def downgrade() -> None:
    """Unmake it."""
    run_sql(__file__, "down")
