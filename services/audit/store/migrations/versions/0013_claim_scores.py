"""Scores of claims: the chance that one is confirmed, and what is at risk then."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the scores."""
    run_sql(Path(__file__).with_suffix(".sql"))
