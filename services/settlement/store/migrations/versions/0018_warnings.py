"""Audit is asked before a claim, and hears what the hospital did about its warnings."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Keep the warnings that were told, and the answers to them."""
    run_sql(Path(__file__).with_suffix(".sql"))
