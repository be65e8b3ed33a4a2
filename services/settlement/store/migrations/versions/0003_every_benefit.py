"""Every benefit settled: visits, losses, units, designations, entitlements."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Open the tables for every benefit."""
    run_sql(Path(__file__).with_suffix(".sql"))
