"""What two reviewers decided to take back, and whether it can be taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.settlement import ClaimState
from shared.money import Money


class Kind(StrEnum):
    """How the money comes back: less is paid in the next run, or what was paid is paid back."""

    DEDUCT = "deduct"
    RECOVER = "recover"


class CannotDeduct(StrEnum):
    """Why a decided amount cannot be deducted."""

    REVERSED = "reversed"
    MORE_THAN_LEFT = "more-than-left"
    UNKNOWN_CLAIM = "unknown-claim"


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on a flag: take this amount back from this claim; a dismissal takes nothing."""

    flag_id: str
    decision: int
    claim_id: UUID
    pool_code: str
    institution_code: str
    amount: Money
    kind: Kind = Kind.DEDUCT


@dataclass(frozen=True, slots=True)
class Deduction:
    """An amount that waits to be taken back from the institution."""

    pool_code: str
    deduction_id: UUID
    settlement_id: UUID
    institution_code: str
    flag_id: str
    decision: int
    amount: Money
    taken_at: datetime
    kind: Kind = Kind.DEDUCT


@dataclass(frozen=True, slots=True)
class RefusedDeduction:
    """A decision that goes back to audit, with the reason."""

    pool_code: str
    institution_code: str
    flag_id: str
    decision: int
    amount: Money
    reason: CannotDeduct


def taken(
    decision: Decision, state: ClaimState | None, fund: Money, deducted: Money,
    deduction_id: UUID, now: datetime,
) -> Deduction | RefusedDeduction:  # fmt: skip
    """The deduction that a decision becomes.

    `fund` is what the fund pays for the claim, adjustments included; `deducted` is what other
    decisions have deducted from it.
    """
    if state is None:
        return refused(decision, CannotDeduct.UNKNOWN_CLAIM)
    if state is ClaimState.REVERSED:
        return refused(decision, CannotDeduct.REVERSED)
    if decision.amount > fund - deducted:
        return refused(decision, CannotDeduct.MORE_THAN_LEFT)
    return Deduction(
        pool_code=decision.pool_code,
        deduction_id=deduction_id,
        settlement_id=decision.claim_id,
        institution_code=decision.institution_code,
        flag_id=decision.flag_id,
        decision=decision.decision,
        amount=decision.amount,
        taken_at=now,
        kind=decision.kind,
    )


def refused(decision: Decision, reason: CannotDeduct) -> RefusedDeduction:
    """The decision told back."""
    return RefusedDeduction(
        decision.pool_code, decision.institution_code, decision.flag_id, decision.decision,
        decision.amount, reason,
    )  # fmt: skip
