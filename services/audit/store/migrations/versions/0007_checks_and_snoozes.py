"""What hospitals say to warnings of checks, and rules that are quiet for an institution."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of warnings' answers and of snoozes."""
    run_sql(Path(__file__).with_suffix(".sql"))
