"""The catalogue says of an item how a child is born where it is charged."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the mode of delivery to items, and to the rows of imports."""
    run_sql(Path(__file__).with_suffix(".sql"))
