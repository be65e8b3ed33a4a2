"""The payment methods of a delivery: how the bill falls on fund, member and hospital."""

from __future__ import annotations

from dataclasses import dataclass

from services.settlement.domain.case import Case
from services.settlement.domain.cost import Cost
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.shares import Shares, banded_shares
from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.policy.book import Day
from shared.policy.cells import (
    APPLIED_AT,
    DELIVERY,
    MEMBER_SHARE,
    QUOTA_INCLUDES_MEMBER_SHARE,
    ROUNDING,
    SETTLEMENT_QUOTA,
)
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import AppliedAt, ByLevel, Cap, DeliveryMode, Full, LumpSum, Quota


@dataclass(frozen=True, slots=True)
class Parts:
    """The final parts of a bill, after clearing, with the steps and rule versions behind them."""

    cost: Cost
    fund: Money
    member: Money
    institution: Money
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...] = ()


def parts_of_delivery(case: Case, rules: Day) -> Parts | Refused:
    """Apply the pool's method for this kind of member on this day. Raises NoRule."""
    rule = rules.ask(DELIVERY)
    method = rule.value
    if isinstance(method, LumpSum):
        return _lump_sum(case, method, rule.citation, rules)
    if case.cost is None:
        return Refused(Refusal.COST_NOT_STATED, rule.citation)
    if isinstance(method, Cap):
        return _cap(case, case.cost, method, rule.citation, rules)
    if isinstance(method, Full):
        full = Shares(NOTHING, (Step(StepKind.NO_SHARE, rule.citation, NOTHING),))
        return _in_scope_less_share(case.cost, full, rule.citation)
    shared_out = _shares(case, case.cost, rules, rule.citation)
    if isinstance(shared_out, Refused):
        return shared_out
    shares, rate_ids = shared_out
    if isinstance(method, Quota):
        return _quota(case, case.cost, shares, rate_ids, rules)
    return _in_scope_less_share(case.cost, shares, rule.citation, rate_ids)


Standard = tuple[Money, tuple[Step, ...]]


def _standard(
    case: Case, method: LumpSum | Cap, kind: StepKind, cited: Citation, rules: Day
) -> Standard | Refused:
    """The amount for this mode and level with what further infants add."""
    delivery, level = case.delivery, case.institution.level
    key = ("standard", delivery.mode, level, delivery.infants)
    return rules.remember(key, lambda: _add_up(method, delivery, level, kind, cited))


def _add_up(
    method: LumpSum | Cap, delivery: Delivery, level: int | None, kind: StepKind, cited: Citation
) -> Standard | Refused:
    amount = method.amounts.amount(delivery.mode, level)
    if amount is None:
        return Refused(Refusal.LEVEL_NOT_STATED, cited)
    first = Step(kind, cited, amount, (("mode", delivery.mode.value),))
    more = delivery.infants - 1
    if not more:
        return amount, (first,)
    added = method.extra_infant.times(more)
    values = (("infants", more), ("each", method.extra_infant))
    return amount + added, (first, Step(StepKind.EXTRA_INFANTS, cited, added, values))


def _lump_sum(case: Case, method: LumpSum, cited: Citation, rules: Day) -> Parts | Refused:
    """A sum to the insured's credit, never above the bill; the rest is hers."""
    found = _standard(case, method, StepKind.LUMP_SUM, cited, rules)
    if isinstance(found, Refused):
        return found
    standard, steps = found
    if case.cost is None:
        bare = Cost(total=standard, in_scope=standard)
        no_bill = Step(StepKind.NO_BILL_GIVEN, cited, standard)
        return Parts(bare, standard, NOTHING, NOTHING, (*steps, no_bill))
    bill = case.cost.total
    if standard <= bill:
        return Parts(case.cost, standard, bill - standard, NOTHING, steps)
    limited = Step(StepKind.LIMITED_TO_BILL, cited, bill)
    return Parts(case.cost, bill, NOTHING, NOTHING, (*steps, limited))


def _cap(case: Case, cost: Cost, method: Cap, cited: Citation, rules: Day) -> Parts | Refused:
    """The in-scope cost, at most the cap; the member bears the rest."""
    found = _standard(case, method, StepKind.CAP, cited, rules)
    if isinstance(found, Refused):
        return found
    cap, steps = found
    fund = min(cost.in_scope, cap)
    return Parts(cost, fund, cost.total - fund, NOTHING, steps)


def _shares(
    case: Case, cost: Cost, rules: Day, cited: Citation
) -> tuple[Shares, tuple[str, ...]] | Refused:
    level = case.institution.level
    if level is None:
        return Refused(Refusal.LEVEL_NOT_STATED, cited)
    share, rounding = rules.ask(MEMBER_SHARE), rules.ask(ROUNDING)
    bands = share.value.bands(case.delivery.mode, level)
    shares = banded_shares(cost.in_scope, bands, share.citation, rounding)
    return shares, (share.rate_id, rounding.rate_id)


def _in_scope_less_share(
    cost: Cost, shares: Shares, cited: Citation, rate_ids: tuple[str, ...] = ()
) -> Parts:
    fund = cost.in_scope - shares.amount
    last = Step(StepKind.IN_SCOPE_LESS_SHARE, cited, fund, _in_scope_values(cost, shares))
    member = shares.amount + cost.outside()
    return Parts(cost, fund, member, NOTHING, (*shares.steps, last), rate_ids)


def _in_scope_values(cost: Cost, shares: Shares) -> tuple[tuple[str, Money], ...]:
    return (("in_scope", cost.in_scope), ("share", shares.amount))


@dataclass(frozen=True, slots=True)
class _QuotaTerms:
    """A quota for one mode and level on one day, with its terms."""

    amount: Money
    includes_share: bool
    includes_cited: Citation
    quota_step: Step
    applied_step: Step
    rate_ids: tuple[str, ...]


def _quota(case: Case, cost: Cost, shares: Shares, rate_ids: tuple[str, ...], rules: Day) -> Parts:
    """The hospital is paid the quota whatever the case cost it; the member's part stays."""
    quota = rules.ask_if_any(SETTLEMENT_QUOTA)
    level = case.institution.level
    if quota is None or level is None:
        # Without a known quota the final parts are those of the receipt.
        delivery = rules.ask(DELIVERY).citation
        plain = _in_scope_less_share(cost, shares, delivery, rate_ids)
        steps = (*plain.steps, Step(StepKind.NO_QUOTA_KNOWN, delivery))
        return Parts(cost, plain.fund, plain.member, NOTHING, steps, rate_ids)
    mode = case.delivery.mode
    terms = rules.remember(("quota", mode, level), lambda: _terms(quota, mode, level, rules))
    member = shares.amount + cost.outside()
    if terms.includes_share:
        kind, fund = StepKind.QUOTA_LESS_SHARE, max(NOTHING, terms.amount - shares.amount)
    else:
        kind, fund = StepKind.QUOTA_BESIDE_SHARE, terms.amount
    owed = Step(kind, terms.includes_cited, fund, (("share", shares.amount),))
    steps = (*shares.steps, terms.quota_step, owed, terms.applied_step)
    institution = cost.total - fund - member
    return Parts(cost, fund, member, institution, steps, rate_ids + terms.rate_ids)


def _terms(quota: Sourced[ByLevel], mode: DeliveryMode, level: int, rules: Day) -> _QuotaTerms:
    includes, applied = rules.ask(QUOTA_INCLUDES_MEMBER_SHARE), rules.ask(APPLIED_AT)
    amount = quota.value.of(mode, level)
    values = (("mode", mode.value), ("level", level))
    return _QuotaTerms(
        amount=amount,
        includes_share=includes.value,
        includes_cited=includes.citation,
        quota_step=Step(StepKind.QUOTA, quota.citation, amount, values),
        applied_step=Step(_applied_step(applied), applied.citation),
        rate_ids=(quota.rate_id, includes.rate_id, applied.rate_id),
    )


def _applied_step(applied: Sourced[AppliedAt]) -> StepKind:
    at_desk = applied.value is AppliedAt.DESK
    return StepKind.APPLIED_AT_DESK if at_desk else StepKind.APPLIED_AT_CLEARING
