"""Lay the series of a pool's institutions anew, and raise flags for the alarms among them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.audit.actions.raise_series_flag import raise_series_flag
from services.audit.domain.series import SeriesFinding, SeriesMonth, Versions
from services.audit.store import series_months
from shared.plumbing.database import Connection


async def lay_series(
    tx: Connection,
    pool_code: str,
    months: Sequence[SeriesMonth],
    alarms: Sequence[SeriesFinding],
    versions: Versions,
    cause: str,
    at: datetime,
) -> int:
    """Record a run over one pool; returns how many of its alarms were news."""
    await series_months.lay(tx, pool_code, months, versions, at)
    raised = [await raise_series_flag(tx, alarm, cause, at) for alarm in alarms]
    return sum(flag is not None for flag in raised)
