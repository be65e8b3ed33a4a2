"""Visits are priced again too: what an adjustment corrects of a pregnancy's units."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Open the unit ledger for adjustments."""
    run_sql(Path(__file__).with_suffix(".sql"))
