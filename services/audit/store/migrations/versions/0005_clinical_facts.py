"""What a claim says beside its money: the person, the codes, the bill by item."""

from pathlib import Path

from shared.plumbing.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Let claims hold the clinical facts."""
    run_sql(Path(__file__).with_suffix(".sql"))
