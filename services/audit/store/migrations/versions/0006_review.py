"""The five steps of a review: who took them, by when, what the institution said."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Give flags their steps, subjects, leases and place in the queue."""
    run_sql(Path(__file__).with_suffix(".sql"))
