"""Claims are adjusted: their parts and their item follow settlement's."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Let the service change what an adjustment changes."""
    run_sql(Path(__file__).with_suffix(".sql"))
