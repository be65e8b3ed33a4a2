"""A claim that is taken into review though no rule met it: a person picks it, or the lot does.

Reviewers who saw only what scores and rules show them would teach a ranker what it knows already,
and nobody could say what is missed. A known share is therefore drawn whatever the score says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.claim_score import ClaimScore
from services.audit.domain.flag import Flag, OnClaim, new_flag
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import Grade
from shared.money import NOTHING, Money


class PickedBy(StrEnum):
    """Who picked a claim."""

    LOT = "lot"
    PERSON = "person"


FAMILIES = {PickedBy.LOT: "drawn-by-lot", PickedBy.PERSON: "picked-by-person"}
"""The families that such flags are of: none of them is a rule's."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Why a claim is under review, with its score of that moment, where it had one. `share` is the
    chance that any claim had in the lot."""

    pool_code: str
    flag_id: UUID
    institution_code: str
    claim_id: UUID
    picked_by: PickedBy
    by: str
    reason: str
    share: Decimal | None
    score: ClaimScore | None
    picked_at: datetime


def pick_refused(claim: Claim, standing: Sequence[Flag], family: str) -> Refusal | None:
    """Why a claim with these flags is not taken in: it is under review, or was picked before."""
    if not claim.is_live:
        return Refusal.CLAIM_REVERSED
    if any(flag.in_review or flag.rule_family == family for flag in standing):
        return Refusal.FLAGGED_ALREADY
    return None


def flag_of(pick: Pick, claim: Claim) -> Flag:
    """The flag of a pick: a suspicion at most. At risk is what the score of a drawn one says; a
    person's reason is not the score's, so of hers all that the fund paid."""
    by_score = pick.score is not None and pick.picked_by is PickedBy.LOT
    at_risk: Money = pick.score.at_risk if pick.score and by_score else claim.parts.fund
    return new_flag(
        pick.flag_id, pick.pool_code, pick.institution_code,
        OnClaim(pick.claim_id, FAMILIES[pick.picked_by]), Grade.SUSPICIOUS,
        max(at_risk, NOTHING, key=lambda amount: amount.fen), pick.picked_at,
    )  # fmt: skip
