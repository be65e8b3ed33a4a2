"""Take claims into review that no rule met: the one that a person picks, and those of the lot."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.claim import Claim
from services.audit.domain.claim_score import ClaimScore
from services.audit.domain.flag import Flag
from services.audit.domain.pick import FAMILIES, Pick, PickedBy, flag_of, pick_refused
from services.audit.domain.refusals import Refusal
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claim_scores, claims, flags, picks
from services.audit.told.raised import pick_raised
from shared.ids import new_id
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection
from shared.plumbing.outbox import tell


async def pick_claim(
    tx: Connection, clock: Clock, time_limits: TimeLimits, *, pool_code: str, claim_id: UUID,
    by: str, reason: str, request_id: str,
) -> Flag | Refusal | None:  # fmt: skip
    """Take a claim in for a person's reason; None if the pool has no such claim."""
    claim = await _locked(tx, pool_code, claim_id)
    if claim is None:
        return None
    standing = await flags.of_claim(tx, pool_code, claim_id)
    refusal = pick_refused(claim, standing, FAMILIES[PickedBy.PERSON])
    if refusal is not None:
        return refusal
    scored = await claim_scores.of_claim(tx, pool_code, claim_id)
    pick = Pick(
        pool_code, new_id(), claim.institution_code, claim_id, PickedBy.PERSON, by, reason, None,
        scored.score if scored else None, clock.now(),
    )  # fmt: skip
    return await _raise(tx, pick, claim, request_id, "", time_limits)


async def pick_drawn(
    tx: Connection,
    score: ClaimScore,
    share: Decimal,
    cause: str,
    time_limits: TimeLimits,
    at: datetime,
) -> bool:
    """Take in a drawn claim, unless a flag ever stood on it; whether that was done. `cause` names
    the run that drew it."""
    claim = await _locked(tx, score.pool_code, score.claim_id)
    if claim is None or not claim.is_live:
        return False
    if await flags.of_claim(tx, score.pool_code, score.claim_id):
        return False
    pick = Pick(
        score.pool_code, new_id(), claim.institution_code, score.claim_id, PickedBy.LOT, AUDIT,
        FAMILIES[PickedBy.LOT], share, score, at,
    )  # fmt: skip
    await _raise(tx, pick, claim, cause, cause, time_limits)
    return True


async def _locked(tx: Connection, pool_code: str, claim_id: UUID) -> Claim | None:
    """The claim, while nobody else judges or picks a claim of its person."""
    persons = await claims.persons_of(tx, [(pool_code, claim_id)])
    await claims.lock_persons(tx, persons)
    return await claims.find(tx, pool_code, claim_id)


async def _raise(
    tx: Connection, pick: Pick, claim: Claim, cause: str, causation_id: str, time_limits: TimeLimits
) -> Flag:
    new = flag_of(pick, claim)
    change = Change(None, new, "raised", pick.by, pick.reason, cause, new.at_risk)
    [flag] = await record_changes(tx, [change], time_limits, pick.picked_at)
    await picks.insert(tx, pick)
    await tell(tx, [pick_raised(flag, causation_id)])
    return flag
