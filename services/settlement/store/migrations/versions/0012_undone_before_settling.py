"""What was uploaded by mistake is undone before it is settled: lines, discharges, admissions."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let lines be returned and cancelled, and stays be cancelled."""
    run_sql(Path(__file__).with_suffix(".sql"))
