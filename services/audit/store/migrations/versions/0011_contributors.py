"""Alarms name the claims that contribute most."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the claims to what was found of a channel."""
    run_sql(Path(__file__).with_suffix(".sql"))
