"""What two people set can be corrected by two people."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Let a new notice or limit of the same place and month stand instead of the old."""
    run_sql(Path(__file__).with_suffix(".sql"))
