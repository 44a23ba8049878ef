"""The owner of an expectation may reopen it within a minute of its completion."""

from rte_common.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Allow it."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """History is immutable from the first second again."""
    run_sql(__file__, "down")
