"""A stay's bill by item, kept beside it to be told when it settles."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Keep bills by item, those of stays that wait for settlement too."""
    run_sql(Path(__file__).with_suffix(".sql"))
