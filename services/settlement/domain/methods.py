"""The payment methods of a case: how the bill falls on fund, member, hospital and medical
insurance. The same for a delivery, a loss, a surgery and a complication's stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from services.settlement.domain.cost import Cost
from services.settlement.domain.parts import Parts, without_bill
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.shares import Shares, banded_shares
from services.settlement.domain.standard import Standard, Supplemented, standard_of
from services.settlement.domain.steps import Step, StepKind
from services.settlement.domain.treatment import Treatment
from shared.money import NOTHING
from shared.policy.book import Day
from shared.policy.cells import (
    APPLIED_AT,
    COMPLICATION_CAPS,
    ITEMISED,
    MEMBER_SHARE,
    QUOTA_INCLUDES_MEMBER_SHARE,
    ROUNDING,
)
from shared.policy.payments import (
    Banded,
    Cap,
    ConditionCap,
    Full,
    HandedOver,
    Itemised,
    LumpSum,
    Points,
    Quota,
    Subsidy,
)
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import AppliedAt

RateIds = tuple[str, ...]


def parts_of(treatment: Treatment, cost: Cost | None, rules: Day) -> Parts | Refused:
    """Apply the method of the treatment's rule to the bill. Raises NoRule."""
    method = treatment.payment
    match method:
        case LumpSum() | Subsidy() | Cap() | Quota() | Points():
            return _by_standard(treatment, method, cost, rules)
        case HandedOver():
            if cost is None:
                return Refused(Refusal.COST_NOT_STATED, treatment.cited)
            return handed_over(cost, treatment.cited)
        case Full() | Banded():
            if cost is None:
                return Refused(Refusal.COST_NOT_STATED, treatment.cited)
            return _by_item(treatment, cost, rules, ())
        case _:
            assert_never(method)


def _by_standard(
    treatment: Treatment, method: Supplemented, cost: Cost | None, rules: Day
) -> Parts | Refused:
    """By the method's amount, unless the case is one that is paid by its own cap or by item."""
    exception = _exception(treatment, cost, rules)
    if exception is not None:
        return exception
    standard = standard_of(treatment, method, rules)
    if isinstance(standard, Refused):
        return standard
    turned = _itemised_by_cost(treatment, cost, standard, rules)
    if turned is not None:
        return turned
    if standard is None:
        return _without_standard(treatment, cost, rules)
    if cost is None:
        return without_bill(standard.amount, treatment.cited, standard.steps, standard.rate_ids)
    return met_by(method, treatment, cost, standard, rules)


def met_by(
    method: Supplemented, treatment: Treatment, cost: Cost, standard: Standard, rules: Day
) -> Parts | Refused:
    """What of the bill the standard meets, in the way of the method. Raises NoRule."""
    match method:
        case Quota() | Points():
            return _quota(treatment, cost, standard, rules)
        case LumpSum():
            return _lump_sum(treatment, method, cost, standard)
        case Cap():
            fund = min(cost.in_scope, standard.amount)
            return Parts(cost, fund, cost.total - fund, NOTHING, standard.steps, standard.rate_ids)
        case Subsidy():
            return _subsidy(treatment, cost, standard)
        case _:
            assert_never(method)


def handed_over(cost: Cost, cited: Citation) -> Parts:
    """Basic medical insurance takes the in-scope cost: it is not priced here."""
    step = Step(StepKind.HANDED_OVER, cited, cost.in_scope)
    outside = cost.outside()
    return Parts(cost, NOTHING, outside, NOTHING, (step,), other_fund=cost.in_scope)


def _exception(treatment: Treatment, cost: Cost | None, rules: Day) -> Parts | Refused | None:
    """A complication that the pool lists: with a cap of its own, or paid by item."""
    if not treatment.complications:
        return None
    caps = rules.ask_if_any(COMPLICATION_CAPS)
    for cap in caps.value if caps is not None else ():
        if cap.condition in treatment.complications:
            return _condition_cap(cap, cost, caps)
    itemised = rules.ask_if_any(ITEMISED)
    if itemised is None:
        return None
    listed = [name for name in treatment.complications if name in itemised.value.complications]
    if not listed:
        return None
    if cost is None:
        return Refused(Refusal.COST_NOT_STATED, itemised.citation)
    reason = Step(
        StepKind.ITEMISED_FOR_COMPLICATION, itemised.citation, None, (("name", listed[0]),)
    )
    return _by_item(treatment, cost, rules, (reason,), (itemised.rate_id,))


def _condition_cap(
    cap: ConditionCap, cost: Cost | None, caps: Sourced[tuple[ConditionCap, ...]] | None
) -> Parts:
    assert caps is not None  # noqa: S101 - the caps were asked for before
    step = Step(StepKind.CONDITION_CAP, caps.citation, cap.cap, (("name", cap.condition),))
    if cost is None:
        return without_bill(cap.cap, caps.citation, (step,), (caps.rate_id,))
    fund = min(cost.in_scope, cap.cap)
    return Parts(cost, fund, cost.total - fund, NOTHING, (step,), (caps.rate_id,))


def _itemised_by_cost(
    treatment: Treatment, cost: Cost | None, standard: Standard | None, rules: Day
) -> Parts | Refused | None:
    itemised = rules.ask_if_any(ITEMISED)
    if itemised is None or cost is None or not _dearer(itemised.value, cost, standard):
        return None
    values = (("in_scope", cost.in_scope),)
    reason = Step(StepKind.ITEMISED_FOR_COST, itemised.citation, None, values)
    return _by_item(treatment, cost, rules, (reason,), (itemised.rate_id,))


def _dearer(rule: Itemised, cost: Cost, standard: Standard | None) -> bool:
    if rule.above is not None and cost.in_scope > rule.above:
        return True
    if rule.above_times is None or standard is None:
        return False
    return cost.in_scope.fen > standard.amount.fen * rule.above_times


def _by_item(
    treatment: Treatment, cost: Cost, rules: Day, reason: tuple[Step, ...], rate_ids: RateIds = ()
) -> Parts | Refused:
    """In-scope cost less the member's share of it."""
    shared_out = _shares(treatment, cost, rules)
    if isinstance(shared_out, Refused):
        return shared_out
    shares, of_share = shared_out
    return _in_scope_less_share(treatment, cost, shares, reason, rate_ids + of_share)


def _in_scope_less_share(
    treatment: Treatment, cost: Cost, shares: Shares, reason: tuple[Step, ...], rate_ids: RateIds
) -> Parts:
    fund = cost.in_scope - shares.amount
    values = (("in_scope", cost.in_scope), ("share", shares.amount))
    last = Step(StepKind.IN_SCOPE_LESS_SHARE, treatment.cited, fund, values)
    member = shares.amount + cost.outside()
    return Parts(cost, fund, member, NOTHING, (*reason, *shares.steps, last), rate_ids)


def _shares(treatment: Treatment, cost: Cost, rules: Day) -> tuple[Shares, RateIds] | Refused:
    """What the member pays of the in-scope cost: by the rule's own bands, or a delivery's."""
    method, mode, level = treatment.payment, treatment.mode, treatment.level
    own = method.bands if isinstance(method, Banded) else None
    if own is None and (mode is None or isinstance(method, Full)):
        return Shares(NOTHING, (Step(StepKind.NO_SHARE, treatment.cited, NOTHING),)), ()
    rounding = rules.ask(ROUNDING)
    if own is not None:
        return banded_shares(cost.in_scope, own, treatment.cited, rounding), (rounding.rate_id,)
    if level is None:
        return Refused(Refusal.LEVEL_NOT_STATED, treatment.cited)
    assert mode is not None  # noqa: S101 - the first check
    share = rules.ask(MEMBER_SHARE)
    bands = share.value.bands(mode, level)
    shares = banded_shares(cost.in_scope, bands, share.citation, rounding)
    return shares, (share.rate_id, rounding.rate_id)


def _without_standard(treatment: Treatment, cost: Cost | None, rules: Day) -> Parts | Refused:
    """Without a known quota the final parts are those of the receipt."""
    if cost is None:
        return Refused(Refusal.COST_NOT_STATED, treatment.cited)
    plain = _by_item(treatment, cost, rules, ())
    if isinstance(plain, Refused):
        return plain
    steps = (*plain.steps, Step(StepKind.NO_QUOTA_KNOWN, treatment.cited))
    return Parts(cost, plain.fund, plain.member, NOTHING, steps, plain.rate_ids)


def _lump_sum(treatment: Treatment, method: LumpSum, cost: Cost, standard: Standard) -> Parts:
    """A sum to the insured's credit; the rest is hers."""
    bill, amount, steps = cost.total, standard.amount, standard.steps
    if amount <= bill:
        return Parts(cost, amount, bill - amount, NOTHING, steps, standard.rate_ids)
    if method.even_above_bill:
        paid = Step(StepKind.PAID_ABOVE_BILL, treatment.cited, amount - bill)
        raised = cost.raised_to(amount)
        return Parts(raised, amount, NOTHING, NOTHING, (*steps, paid), standard.rate_ids)
    limited = Step(StepKind.LIMITED_TO_BILL, treatment.cited, bill)
    return Parts(cost, bill, NOTHING, NOTHING, (*steps, limited), standard.rate_ids)


def _subsidy(treatment: Treatment, cost: Cost, standard: Standard) -> Parts:
    """On top of medical insurance: the sum meets her own costs first, then what that would take."""
    fund = min(standard.amount, cost.total)
    other = min(cost.in_scope, cost.total - fund)
    steps = standard.steps
    if fund < standard.amount:
        steps = (*steps, Step(StepKind.LIMITED_TO_BILL, treatment.cited, fund))
    handed = Step(StepKind.HANDED_OVER, treatment.cited, other)
    member = cost.total - fund - other
    return Parts(cost, fund, member, NOTHING, (*steps, handed), standard.rate_ids, other_fund=other)


@dataclass(frozen=True, slots=True)
class _Terms:
    """How a quota meets the member's share on a day."""

    includes_share: bool
    includes_cited: Citation
    applied_step: Step
    rate_ids: RateIds


def _quota(treatment: Treatment, cost: Cost, standard: Standard, rules: Day) -> Parts | Refused:
    """The hospital is paid the quota whatever the case cost it; the member's part stays."""
    shared_out = _shares(treatment, cost, rules)
    if isinstance(shared_out, Refused):
        return shared_out
    shares, of_share = shared_out
    terms = rules.remember("quota terms", lambda: _terms(rules))
    member = shares.amount + cost.outside()
    if terms.includes_share:
        kind, fund = StepKind.QUOTA_LESS_SHARE, max(NOTHING, standard.amount - shares.amount)
    else:
        kind, fund = StepKind.QUOTA_BESIDE_SHARE, standard.amount
    owed = Step(kind, terms.includes_cited, fund, (("share", shares.amount),))
    steps = (*shares.steps, *standard.steps, owed, terms.applied_step)
    institution = cost.total - fund - member
    return Parts(
        cost, fund, member, institution, steps, of_share + standard.rate_ids + terms.rate_ids
    )


def _terms(rules: Day) -> _Terms:
    includes, applied = rules.ask(QUOTA_INCLUDES_MEMBER_SHARE), rules.ask(APPLIED_AT)
    at_desk = applied.value is AppliedAt.DESK
    kind = StepKind.APPLIED_AT_DESK if at_desk else StepKind.APPLIED_AT_CLEARING
    return _Terms(
        includes_share=includes.value,
        includes_cited=includes.citation,
        applied_step=Step(kind, applied.citation),
        rate_ids=(includes.rate_id, applied.rate_id),
    )
