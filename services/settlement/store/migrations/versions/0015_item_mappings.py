"""A hospital's own codes, mapped to the catalogue's and reviewed by the agency."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Keep the mappings."""
    run_sql(Path(__file__).with_suffix(".sql"))
