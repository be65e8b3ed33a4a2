"""Hospitals hold their books against ours, day by day; what was found is kept."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Keep reconciliations, and the files that are exchanged for them."""
    run_sql(Path(__file__).with_suffix(".sql"))
