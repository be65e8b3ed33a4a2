"""Adjustments: what a late document or a corrected state changes of a settlement."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    run_sql(Path(__file__).with_suffix(".sql"))
