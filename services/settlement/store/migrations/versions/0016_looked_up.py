"""What hospitals look up, what they tell after a settlement, and mappings that bills are read by."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Index the answers by what they made; keep settlement lists and what is doubtful in a record."""
    run_sql(Path(__file__).with_suffix(".sql"))
