"""What two people tell the watch: posted prices, and limits of agreements' indicators."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add posted prices, limits, and what institutions came to beside them."""
    run_sql(Path(__file__).with_suffix(".sql"))
