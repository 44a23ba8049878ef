"""Nobody has a privilege that is not written down here, whatever the platform grants by default."""

from rte_common.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Grant."""
    run_sql(__file__, "up")


def downgrade() -> None:
    """Leave the privileges as they are: the version before meant the same."""
