"""Scoring claims as they stand: part of the watch, which no request waits for.

What serves never imports this: it loads the libraries of statistics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import structlog

from services.audit.actions.count_reviews import count_reviews
from services.audit.actions.pick_claims import pick_drawn
from services.audit.domain.claim_score import ClaimScore
from services.audit.domain.library import Library
from services.audit.domain.time_limits import TimeLimits
from services.audit.scoring.live_claims import LiveClaims, held
from services.audit.scoring.live_scores import SHARE_DRAWN, Ask, live_scores
from services.audit.scoring.ranker import Outcome
from services.audit.scoring.reviews_file import Review
from services.audit.store import claim_scores, flags, scoring_runs, snoozes
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import AGENCY, PASSING, Pool, transaction

_log = structlog.get_logger()


async def score_claims(
    pool: Pool, clock: Clock, library: Library, pool_code: str, standing: LiveClaims,
    lot_key: bytes, champion: str | None,
) -> None:  # fmt: skip
    """Score a pool's standing claims once, and take those of the lot into review; `lot_key` is what
    the lot is drawn under. Raises NoSuchChampion."""
    today, run_name = business_day(clock.now()), f"watch:{uuid4().hex}"
    places = {(pool_code, claim.institution_code) for claim in standing.claims}
    async with transaction(pool, [AGENCY]) as tx:
        flagged = await claim_scores.under_review(tx, pool_code)
        reviewed = await claim_scores.reviewed(tx, pool_code)
        quiet = await snoozes.muted(tx, places, today)
        trial = await count_reviews(tx, pool_code, run_name, clock.now())
    reviews = {
        str(claim_id): Review(
            str(claim_id), Outcome(verdict.replace("-", " ")), business_day(decided_at)
        )
        for claim_id, verdict, decided_at in reviewed
    }
    muted = sorted((institution, rule) for _, institution, rule in quiet)
    # No transaction stands open while numbers are made.
    with held(standing.rows(), standing.items()) as history:
        ask = Ask(pool_code, today, reviews, lot_key, flagged, muted, trial, champion)
        scores, run = await asyncio.to_thread(live_scores, history, library.rules, ask)
    taken = await _take_in(
        pool, clock, library.time_limits, [score for score in scores if score.drawn], run_name
    )
    async with transaction(pool, [AGENCY]) as tx:
        at = clock.now()
        await claim_scores.lay(tx, pool_code, scores, at)
        await scoring_runs.lay(tx, run, at)
    _log.info(
        "claims scored", claims=len(standing.claims), kept=len(scores), drawn=taken,
        warnings=len(run.warnings),
    )  # fmt: skip


async def _take_in(
    pool: Pool, clock: Clock, time_limits: TimeLimits, drawn: Sequence[ClaimScore], run_name: str
) -> int:
    """Take in what the lot drew and no flag ever stood on; how many that were.

    One transaction a claim: it holds up whoever judges its person, and nobody else. One that is in
    use meanwhile is drawn again by the next run.
    """
    if not drawn:
        return 0
    async with transaction(pool, [AGENCY]) as tx:
        known = await flags.ever_on(tx, drawn[0].pool_code, [score.claim_id for score in drawn])
    taken = 0
    for score in drawn:
        if score.claim_id in known:
            continue
        try:
            async with transaction(pool, [AGENCY]) as tx:
                taken += await pick_drawn(
                    tx, score, SHARE_DRAWN, run_name, time_limits, clock.now()
                )
        except PASSING as error:
            _log.warning("a drawn claim is in use", error=type(error).__name__)
    return taken
