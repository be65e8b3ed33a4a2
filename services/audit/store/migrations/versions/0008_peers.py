"""A claim's peers are found by an index."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the index."""
    run_sql(Path(__file__).with_suffix(".sql"))
