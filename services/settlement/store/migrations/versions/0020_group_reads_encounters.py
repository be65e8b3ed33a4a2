"""What a hospital told of a stay is read by the statement that settles it."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Let the group writer read encounters."""
    run_sql(Path(__file__).with_suffix(".sql"))
