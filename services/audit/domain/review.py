"""The steps of a review, each by people: 初审, 机构反馈/申诉, 复审, 调查核实, 处理.

Nobody reviews alone: the second reviewer is not the first, and who approves a disposal did not
propose it. No money is decided on before the institution could state its case (decree 735,
art. 13); that it was silent is noted, and proves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.audit.domain.claim import Claim
from services.audit.domain.flag import (
    COSTS,
    Deduction,
    Flag,
    FlagState,
    Hearing,
    OnClaim,
    Outcome,
    Proposal,
    begun_anew,
)
from services.audit.domain.reason import REASONS, Verdict
from services.audit.domain.refusals import Refusal
from shared.money import NOTHING, Money

_HEARD = (Hearing.STATED, Hearing.SILENT)


def pursue(flag: Flag, claim: Claim | None, by: str, reason_code: str) -> Flag | Refusal:
    """First review: the suspicion holds so far; the institution is asked for a statement.

    `claim` is that of a flag which stands on one.
    """
    refusal = _not_for_first_review(flag) or _reason_refused(reason_code, settles=None)
    if refusal is not None:
        return refusal
    if claim is not None and not claim.is_live:
        return Refusal.CLAIM_REVERSED
    return _step(
        flag, FlagState.NOTIFIED, first_by=by, hearing=Hearing.WAITING, round=flag.round + 1
    )


def clear(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """First review: there is nothing in it; a second person has to agree."""
    refusal = _not_for_first_review(flag) or _reason_refused(reason_code, settles=Outcome.DISMISS)
    if refusal is not None:
        return refusal
    proposal = Proposal(Outcome.DISMISS, NOTHING, by, reason_code)
    return _step(flag, FlagState.FIRST_REVIEWED, first_by=by, proposal=proposal)


def _not_for_first_review(flag: Flag) -> Refusal | None:
    if flag.state is not FlagState.OPEN:
        return Refusal.NOT_OPEN
    # A flag that opened again while its deduction is on the way waits for settlement's answer.
    if flag.deduction in (Deduction.PENDING, Deduction.RELEASING):
        return Refusal.DEDUCTION_PENDING
    return None


def state_case(flag: Flag) -> Flag | Refusal:
    """The institution states its case. Late is better than never: until the second review."""
    late = flag.state is FlagState.FIRST_REVIEWED and flag.hearing is Hearing.SILENT
    if flag.state is not FlagState.NOTIFIED and not late:
        return Refusal.NOT_NOTIFIED
    return _step(flag, FlagState.FIRST_REVIEWED, hearing=Hearing.STATED)


def stay_silent(flag: Flag) -> Flag:
    """The institution's time is over without a word. That is noted; guilt it is not."""
    if flag.state is not FlagState.NOTIFIED:
        return flag
    return _step(flag, FlagState.FIRST_REVIEWED, hearing=Hearing.SILENT)


def agree(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """Second review, agreeing: a dismissal is decided, a suspicion goes on to its disposal."""
    refusal = _not_for_second_review(flag, by) or _reason_refused(reason_code, settles=None)
    if refusal is not None:
        return refusal
    if flag.proposal is not None and flag.proposal.outcome is Outcome.DISMISS:
        return _decided(replace(flag, second_by=by))
    if flag.hearing not in _HEARD:
        return Refusal.NOT_HEARD
    return _step(flag, FlagState.SECOND_REVIEWED, second_by=by)


def disagree(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """Second review, disagreeing: the flag is open as before."""
    refusal = _not_for_second_review(flag, by) or _reason_refused(reason_code, settles=None)
    return refusal or _changed(begun_anew(flag, FlagState.OPEN))


def order_investigation(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """Second review: records or a visit have to show it. Only after the institution was heard: a
    dismissal that the second reviewer doubts is sent back instead."""
    refusal = _not_for_second_review(flag, by) or _reason_refused(reason_code, settles=None)
    if refusal is not None:
        return refusal
    if flag.hearing not in _HEARD:
        return Refusal.NOT_HEARD
    return _step(flag, FlagState.INVESTIGATING, second_by=by)


def _not_for_second_review(flag: Flag, by: str) -> Refusal | None:
    if flag.state is not FlagState.FIRST_REVIEWED:
        return Refusal.NOT_FIRST_REVIEWED
    return Refusal.SAME_REVIEWER if flag.first_by == by else None


def close_investigation(flag: Flag, reason_code: str) -> Flag | Refusal:
    """The investigation has its result; a disposal follows."""
    if flag.state is not FlagState.INVESTIGATING:
        return Refusal.NOT_INVESTIGATING
    refusal = _reason_refused(reason_code, settles=None)
    return refusal or _step(flag, FlagState.SECOND_REVIEWED)


def propose(flag: Flag, claim: Claim | None, proposal: Proposal) -> Flag | Refusal:
    """Disposal: somebody proposes what is done; money is at most the fund's part of the claim.

    What was taken for the flag before can be confirmed, lowered or given back, not raised.
    """
    if flag.state is not FlagState.SECOND_REVIEWED:
        return Refusal.NOT_SECOND_REVIEWED
    refusal = _reason_refused(proposal.reason_code, settles=proposal.outcome) or _amount_refused(
        flag, claim, proposal
    )
    return refusal or _step(flag, FlagState.PROPOSED, proposal=proposal)


def _amount_refused(flag: Flag, claim: Claim | None, proposal: Proposal) -> Refusal | None:
    on_claim = isinstance(flag.subject, OnClaim)
    costs = proposal.outcome in COSTS
    if (costs and not on_claim) or (proposal.outcome is Outcome.UPHOLD and on_claim):
        return Refusal.OUTCOME_NOT_OF_SUBJECT
    if costs != (proposal.amount > NOTHING):
        return Refusal.AMOUNT_NOT_OF_OUTCOME
    if not costs or claim is None:
        return Refusal.LINES_DO_NOT_ADD_UP if proposal.lines else None
    if not claim.is_live:
        return Refusal.CLAIM_REVERSED
    if proposal.amount > claim.parts.fund:
        return Refusal.AMOUNT_ABOVE_FUND
    if flag.deduction is Deduction.TAKEN and proposal.amount > flag.deducted:
        return Refusal.ABOVE_WHAT_WAS_TAKEN
    return None if _adds_up(proposal) else Refusal.LINES_DO_NOT_ADD_UP


def _adds_up(proposal: Proposal) -> bool:
    if not proposal.lines:
        return True
    numbers = {line.line_number for line in proposal.lines}
    whole = Money.total(line.amount for line in proposal.lines)
    return (
        len(numbers) == len(proposal.lines)
        and all(line.amount > NOTHING for line in proposal.lines)
        and whole == proposal.amount
    )


def approve(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """Disposal: another person agrees, and it is decided."""
    refusal = _not_for_approval(flag, by) or _reason_refused(reason_code, settles=None)
    return refusal or _decided(flag)


def reject(flag: Flag, by: str, reason_code: str) -> Flag | Refusal:
    """Disposal: another person disagrees; something else is to be proposed."""
    refusal = _not_for_approval(flag, by) or _reason_refused(reason_code, settles=None)
    return refusal or _step(flag, FlagState.SECOND_REVIEWED, proposal=None)


def _not_for_approval(flag: Flag, by: str) -> Refusal | None:
    if flag.state is not FlagState.PROPOSED or flag.proposal is None:
        return Refusal.NOT_PROPOSED
    return Refusal.SAME_APPROVER if flag.proposal.by == by else None


def _reason_refused(code: str, settles: Outcome | None) -> Refusal | None:
    """A reason for an outcome must say of the suspicion what the outcome says."""
    reason = REASONS.get(code)
    if reason is None:
        return Refusal.REASON_UNKNOWN
    confirms = reason.verdict is Verdict.CONFIRMED
    if settles is not None and confirms != (settles is not Outcome.DISMISS):
        return Refusal.REASON_NOT_OF_STEP
    return None


def _decided(flag: Flag) -> Flag:
    deduction = flag.deduction
    if flag.proposal is not None and flag.proposal.outcome in COSTS:
        deduction = Deduction.PENDING
    elif deduction is Deduction.TAKEN:
        deduction = Deduction.RELEASING
    return _step(
        flag, FlagState.DECIDED, decision=flag.decision + 1, deduction=deduction,
        told=flag.told + 1,
    )  # fmt: skip


def _step(flag: Flag, state: FlagState, **change: Any) -> Flag:
    return _changed(replace(flag, state=state, **change))


def _changed(flag: Flag) -> Flag:
    return replace(flag, version=flag.version + 1)
