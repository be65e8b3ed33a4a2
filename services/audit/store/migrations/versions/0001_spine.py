"""Claims as heard, judgements, findings, flags and their review."""

from pathlib import Path

from shared.plumbing.migrate import plumbing_schema, run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the plumbing's tables and audit's own."""
    run_sql(plumbing_schema("0001_plumbing.sql"), service="audit")
    run_sql(Path(__file__).with_suffix(".sql"))
