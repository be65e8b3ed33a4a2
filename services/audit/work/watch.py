"""The watch: a process of its own, which scores the months that are over, and claims.

What serves never imports this: it loads the libraries of statistics.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import structlog

from services.audit.actions.lay_series import lay_series
from services.audit.domain.indicator import measured, tally
from services.audit.domain.library import Library, read_library
from services.audit.scoring.baselines import new_past
from services.audit.scoring.growth import growth_of
from services.audit.scoring.indicators import passed
from services.audit.scoring.live_claims import LiveClaims, held
from services.audit.scoring.models import NoSuchChampion
from services.audit.scoring.price_notices import price_step
from services.audit.scoring.queue_order import lot_key
from services.audit.store import baselines, claims, indicators, price_notices
from services.audit.work.claim_scores import score_claims
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import AGENCY, Pool, open_pool, transaction
from shared.plumbing.field_keys import body_key
from shared.plumbing.settings import Settings

_STATEMENT_MS = 600_000
_log = structlog.get_logger()


async def watch(
    settings: Settings, clock: Clock, seconds: int | None, champion: str | None = None
) -> None:
    """Score every pool, then again after so many seconds; once where None. `champion` names whose
    score of a claim counts (`scoring.models.CHAMPIONS`); without one the ranker's, once it has
    learned enough. Raises NoSuchChampion."""
    lot, library = lot_key(body_key(settings)), read_library(settings.library)
    pool = await open_pool(
        settings.service_dsn.get_secret_value(), size=2, statement_timeout_ms=_STATEMENT_MS
    )
    try:
        while True:
            await watch_once(pool, clock, lot, library, champion)
            if seconds is None:
                return
            await asyncio.sleep(seconds)
    finally:
        await pool.close()


async def watch_once(
    pool: Pool, clock: Clock, lot: bytes, library: Library, champion: str | None = None
) -> None:
    """Score every pool once: its series, then its claims as they stand, each in one transaction.
    `lot` is the key under which claims are drawn.

    The claims are read once: those of today too, as a claim needs no whole month. Raises
    NoSuchChampion once every pool had its turn.
    """
    async with transaction(pool, [AGENCY]) as tx:
        pools = await claims.pools(tx)
    today, refused = business_day(clock.now()), None
    for pool_code in pools:
        standing = LiveClaims(library.rules.groups.of_pool(pool_code))
        async with transaction(pool, [AGENCY]) as tx:
            async for some in claims.standing(tx, pool_code, today + timedelta(days=1)):
                standing.add(some)
        if standing.claims:
            await _watch_series(pool, clock, library, pool_code, standing)
            try:
                await score_claims(pool, clock, library, pool_code, standing, lot, champion)
            except NoSuchChampion as error:
                refused = error  # of this pool: the others are watched all the same
    if refused is not None:
        raise refused


async def _watch_series(
    pool: Pool, clock: Clock, library: Library, pool_code: str, standing: LiveClaims
) -> None:
    """Score the months of a pool that are over, by its claims that were discharged in them."""
    until = business_day(clock.now()).replace(day=1)
    over = [claim for claim in standing.claims if claim.discharged_on < until]
    if not over:
        return
    async with transaction(pool, [AGENCY]) as tx:
        explained = await baselines.of_pool(tx, pool_code)
        notices = await price_notices.standing(tx, pool_code)
        limits = await indicators.standing(tx, pool_code)
    # No transaction stands open while numbers are made.
    with held(standing.rows(until)) as history:
        growth = await asyncio.to_thread(
            growth_of,
            history,
            pool_code,
            [price_step(one) for one in notices],
            [new_past(one) for one in explained],
        )
    against = measured(tally(over), limits)
    alarms = [*growth.alarms, *passed(pool_code, against)]
    run = f"watch:{uuid4().hex}"
    async with transaction(pool, [AGENCY]) as tx:
        news = await lay_series(
            tx,
            pool_code,
            growth.months,
            against,
            alarms,
            growth.versions,
            run,
            library.time_limits,
            clock.now(),
        )
    _log.info("series laid", claims=len(over), months=len(growth.months), news=news)
