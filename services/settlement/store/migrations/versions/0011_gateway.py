"""Hospitals that speak the national interface: how each does, and what it told."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables of the national gateway."""
    run_sql(Path(__file__).with_suffix(".sql"))
