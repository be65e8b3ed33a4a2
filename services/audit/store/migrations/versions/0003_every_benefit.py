"""Claims of every benefit: what only a delivery has is empty elsewhere."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let claims be of any benefit."""
    run_sql(Path(__file__).with_suffix(".sql"))
