"""The index of ID numbers becomes a table: one entry for each key that is in use."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Move the entries of the first key."""
    run_sql(Path(__file__).with_suffix(".sql"))
