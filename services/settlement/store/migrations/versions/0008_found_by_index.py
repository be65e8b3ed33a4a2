"""What is asked of one claim, pregnancy or person is found by an index."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the indexes, count failed reconsiderations, and let a person's cause count by book."""
    run_sql(Path(__file__).with_suffix(".sql"))
