"""A later decision gives back what an earlier one had taken; what is taken back has a kind."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Let deductions be released, and tell recoveries from them."""
    run_sql(Path(__file__).with_suffix(".sql"))
