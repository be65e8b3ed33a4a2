"""Entitlements follow late documents and corrected states, by rows of their own."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Open entitlements for revisions."""
    run_sql(Path(__file__).with_suffix(".sql"))
