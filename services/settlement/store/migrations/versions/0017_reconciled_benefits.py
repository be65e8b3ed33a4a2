"""Books are held against each other for the benefits that a hospital clears together."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Keep which benefits were asked for."""
    run_sql(Path(__file__).with_suffix(".sql"))
