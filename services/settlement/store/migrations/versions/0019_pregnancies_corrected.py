"""A pregnancy that was registered wrongly is corrected, or cancelled."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Keep who registered a pregnancy, what was corrected of it, and that it was cancelled."""
    run_sql(Path(__file__).with_suffix(".sql"))
