"""A flag and its review: open, first reviewed, decided by a second person, maybe opened again.

A deduction that was decided is settlement's to take: until it answers it is pending, and one that
it refuses opens the flag again. Where a flag loses its ground (its claim, or every claim that it
was held against, is reversed) it closes if people had not decided, or opens again if they had
decided to deduct; a dismissal stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.finding import Finding
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import Grade
from shared.money import Money


class FlagState(StrEnum):
    """Where a flag stands; a closed one has lost its ground, and only a new finding opens it."""

    OPEN = "open"
    FIRST_REVIEWED = "first_reviewed"
    DECIDED = "decided"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What a reviewer proposes, and two decide."""

    DEDUCT = "deduct"
    DISMISS = "dismiss"


class Deduction(StrEnum):
    """What became of the decided amount."""

    NONE = "none"
    PENDING = "pending"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the first reviewer proposes."""

    outcome: Outcome
    amount: Money
    by: str


@dataclass(frozen=True, slots=True)
class DeductionAnswer:
    """What settlement says of a decided amount; a `reason` only where it refuses."""

    pool_code: str
    claim_id: UUID
    flag_id: UUID
    decision: int
    amount: Money
    taken: bool
    reason: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Flag:
    """Findings of one rule family on one claim, for people to decide.

    `told` counts the events told of the flag, `decision` its decisions, `version` its changes.
    """

    pool_code: str
    flag_id: UUID
    institution_code: str
    claim_id: UUID
    rule_family: str
    grade: Grade
    at_risk: Money
    state: FlagState
    proposal: Proposal | None
    decision: int
    deduction: Deduction
    told: int
    version: int
    raised_at: datetime


def raise_flag(flag_id: UUID, finding: Finding, at: datetime) -> Flag:
    """A new flag, with its first finding."""
    return Flag(
        pool_code=finding.pool_code,
        flag_id=flag_id,
        institution_code=finding.institution_code,
        claim_id=finding.claim_id,
        rule_family=finding.rule_family,
        grade=finding.grade,
        at_risk=finding.at_risk,
        state=FlagState.OPEN,
        proposal=None,
        decision=0,
        deduction=Deduction.NONE,
        told=1,
        version=1,
        raised_at=at,
    )


def propose(flag: Flag, claim: Claim, proposal: Proposal) -> Flag | Refusal:
    """First review: somebody proposes an outcome; a deduction is at most the fund's part.

    A flag that opened again while its deduction is on the way waits for settlement's answer, and
    one whose deduction was taken can only be dismissed: nothing is deducted twice.
    """
    if flag.state is not FlagState.OPEN:
        return Refusal.NOT_OPEN
    if flag.deduction is Deduction.PENDING:
        return Refusal.DEDUCTION_PENDING
    if (proposal.outcome is Outcome.DEDUCT) != (proposal.amount > Money(0)):
        return Refusal.AMOUNT_NOT_OF_OUTCOME
    if proposal.outcome is Outcome.DEDUCT:
        if not claim.is_live:
            return Refusal.CLAIM_REVERSED
        if flag.deduction is Deduction.TAKEN:
            return Refusal.ALREADY_DEDUCTED
        if proposal.amount > claim.parts.fund:
            return Refusal.AMOUNT_ABOVE_FUND
    return replace(
        flag, state=FlagState.FIRST_REVIEWED, proposal=proposal, version=flag.version + 1
    )


def approve(flag: Flag, by: str) -> Flag | Refusal:
    """Second review, agreeing: what was proposed is decided."""
    refusal = _not_for_second_review(flag, by)
    if refusal is not None:
        return refusal
    deducts = flag.proposal is not None and flag.proposal.outcome is Outcome.DEDUCT
    return replace(
        flag,
        state=FlagState.DECIDED,
        decision=flag.decision + 1,
        deduction=Deduction.PENDING if deducts else flag.deduction,
        told=flag.told + 1,
        version=flag.version + 1,
    )


def send_back(flag: Flag, by: str) -> Flag | Refusal:
    """Second review, disagreeing: the flag is open as before."""
    refusal = _not_for_second_review(flag, by)
    if refusal is not None:
        return refusal
    return replace(flag, state=FlagState.OPEN, proposal=None, version=flag.version + 1)


def _not_for_second_review(flag: Flag, by: str) -> Refusal | None:
    if flag.state is not FlagState.FIRST_REVIEWED or flag.proposal is None:
        return Refusal.NOT_FIRST_REVIEWED
    return Refusal.SAME_REVIEWER if flag.proposal.by == by else None


def answer(flag: Flag, said: DeductionAnswer) -> Flag:
    """Settlement took the amount of a decision, or could not: then the flag opens again.

    What was taken comes back when the claim is reversed before it was paid. The flag itself where
    that is no news: the answer of another decision changes nothing.
    """
    lost = flag.deduction is Deduction.TAKEN and not said.taken
    if flag.decision != said.decision or not (flag.deduction is Deduction.PENDING or lost):
        return flag
    if said.taken:
        return replace(flag, deduction=Deduction.TAKEN, version=flag.version + 1)
    refused = replace(flag, deduction=Deduction.REFUSED)
    if flag.state is FlagState.DECIDED:
        return _open_again(refused)
    return replace(refused, version=flag.version + 1)


def ground_gone(flag: Flag) -> Flag:
    """Nothing live is left that the flag stands on; the flag itself where that changes nothing.

    A pending deduction stays pending: settlement's answer is still to come.
    """
    if flag.state in (FlagState.OPEN, FlagState.FIRST_REVIEWED):
        return replace(flag, state=FlagState.CLOSED, proposal=None, version=flag.version + 1)
    return _open_again(flag) if _deducts(flag) else flag


def found_again(flag: Flag) -> Flag:
    """A further finding came: a dismissal or a closing did not know of it."""
    if flag.state is FlagState.CLOSED or (flag.state is FlagState.DECIDED and not _deducts(flag)):
        return _open_again(flag)
    return replace(flag, version=flag.version + 1)


def opened_again(before: Flag, after: Flag) -> bool:
    """Whether a change opened a flag that was decided or closed; that is told."""
    return before.state in (FlagState.DECIDED, FlagState.CLOSED) and after.state is FlagState.OPEN


def _deducts(flag: Flag) -> bool:
    return (
        flag.state is FlagState.DECIDED
        and flag.proposal is not None
        and flag.proposal.outcome is Outcome.DEDUCT
    )


def _open_again(flag: Flag) -> Flag:
    return replace(
        flag, state=FlagState.OPEN, proposal=None, told=flag.told + 1, version=flag.version + 1
    )
