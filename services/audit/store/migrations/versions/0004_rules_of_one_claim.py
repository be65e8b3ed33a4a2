"""Findings of one claim: without a rival, with evidence of their own, some of them in shadow."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Let a finding be of one claim, carry its evidence, and stand under no flag."""
    run_sql(Path(__file__).with_suffix(".sql"))
