"""The catalogue as the agency keeps it: kinds, limits by level, what maternity may use, imports."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Widen the catalogue, and let two people import a file of it."""
    run_sql(Path(__file__).with_suffix(".sql"))
