"""Lay the series and indicators of a pool's institutions anew, and raise flags for alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.audit.actions.raise_series_flag import raise_series_flag
from services.audit.domain.indicator import Measured
from services.audit.domain.series import SeriesFinding, SeriesMonth, Versions
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import indicators, series_months
from shared.plumbing.database import Connection


async def lay_series(
    tx: Connection,
    pool_code: str,
    months: Sequence[SeriesMonth],
    measured: Sequence[Measured],
    alarms: Sequence[SeriesFinding],
    versions: Versions,
    cause: str,
    time_limits: TimeLimits,
    at: datetime,
) -> int:
    """Record a run over one pool: its months, what the indicators of its agreements came to, and
    the alarms of both; returns how many of these were news."""
    await series_months.lay(tx, pool_code, months, versions, at)
    await indicators.lay(tx, pool_code, measured, at)
    raised = [await raise_series_flag(tx, alarm, cause, time_limits, at) for alarm in alarms]
    return sum(flag is not None for flag in raised)
