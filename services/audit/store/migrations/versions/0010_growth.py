"""The series of institutions: what each month came to beside what was to be expected."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the months that are watched."""
    run_sql(Path(__file__).with_suffix(".sql"))
