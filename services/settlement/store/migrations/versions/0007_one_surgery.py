"""A surgery belongs to no pregnancy."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the laws of surgeries."""
    run_sql(Path(__file__).with_suffix(".sql"))
