"""What a hospital's own field calls a birth whose codes or lines tell of another mode."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the mode stated otherwise."""
    run_sql(Path(__file__).with_suffix(".sql"))
