"""The spine: stays, pregnancies, settlements, the ledger, the policy book."""

from pathlib import Path

from shared.plumbing.migrate import plumbing_schema, run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    run_sql(plumbing_schema("0001_plumbing.sql"), service="settlement")
    run_sql(Path(__file__).with_suffix(".sql"))
