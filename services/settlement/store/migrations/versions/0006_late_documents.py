"""A corrected state starts its reconsideration by itself."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the list of who is due."""
    run_sql(Path(__file__).with_suffix(".sql"))
