"""Watching growth: a process of its own, which scores the months that are over.

What serves never imports this: it loads the libraries of statistics.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import structlog

from services.audit.actions.lay_series import lay_series
from services.audit.domain.claim_row import claim_row
from services.audit.scoring.growth import growth_of
from services.audit.scoring.live_claims import held
from services.audit.store import claims
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import AGENCY, Pool, open_pool, transaction
from shared.plumbing.settings import Settings

_STATEMENT_MS = 600_000
_log = structlog.get_logger()


async def watch(settings: Settings, clock: Clock, seconds: int | None) -> None:
    """Score every pool, then again after so many seconds; once where None."""
    pool = await open_pool(
        settings.service_dsn.get_secret_value(), size=2, statement_timeout_ms=_STATEMENT_MS
    )
    try:
        while True:
            await watch_once(pool, clock)
            if seconds is None:
                return
            await asyncio.sleep(seconds)
    finally:
        await pool.close()


async def watch_once(pool: Pool, clock: Clock) -> None:
    """Score every pool once: its claims as they stand, then its series in one transaction."""
    run = f"watch:{uuid4().hex}"
    async with transaction(pool, [AGENCY]) as tx:
        pools = await claims.pools(tx)
    for pool_code in pools:
        async with transaction(pool, [AGENCY]) as tx:
            until = _first_of_month(business_day(clock.now()))
            rows = [claim_row(claim) async for claim in claims.standing(tx, pool_code, until)]
        if not rows:
            continue
        # No transaction stands open while numbers are made.
        with held(rows) as history:
            growth = await asyncio.to_thread(growth_of, history, pool_code)
        async with transaction(pool, [AGENCY]) as tx:
            news = await lay_series(
                tx, pool_code, growth.months, growth.alarms, growth.versions, run, clock.now()
            )
        _log.info("series laid", claims=len(rows), months=len(growth.months), news=news)


def _first_of_month(day: date) -> date:
    return day - timedelta(days=day.day - 1)
