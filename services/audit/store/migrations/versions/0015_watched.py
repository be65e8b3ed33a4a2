"""Claims taken into review that no rule met, what the last run of scoring was like, and what reviews
made of each rule."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add picks, runs and records of rules, and the challenger's word to the scores."""
    run_sql(Path(__file__).with_suffix(".sql"))
