"""What a flag puts at stake, by re-pricing."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table."""
    run_sql(Path(__file__).with_suffix(".sql"))
