"""Whether the member is entitled on the day: not interrupted, and waited long enough."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from services.settlement.domain.member import MadeUp, Member
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.period import Month
from shared.policy.book import Day
from shared.policy.cells import INTERRUPTION, TRANSFER_GAP, WAITING
from shared.policy.rules import Sourced
from shared.policy.shapes import Interruption, Waiting


class Entitling(NamedTuple):
    """Why the member is entitled, and the versions of the rules that say so."""

    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]


def entitlement(member: Member, day: date, rules: Day) -> Entitling | Refused:
    """What entitles `member` to medical costs on `day`, or why nothing does. Raises NoRule."""
    interruption, waiting = rules.ask(INTERRUPTION), rules.ask(WAITING)
    current = contributions(member, day, interruption, for_medical=True)
    if isinstance(current, Refused):
        return current
    asked = asked_of(member, waiting.value.months, rules)
    waited = _waiting(member, day, waiting, interruption, asked)
    if isinstance(waited, Refused):
        return waited
    rate_ids = (interruption.rate_id, waiting.rate_id, *asked.rate_ids)
    return Entitling((current, waited), rate_ids)


def contributions(
    member: Member, day: date, rule: Sourced[Interruption], *, for_medical: bool
) -> Step | Refused:
    """Benefits stop from the month after the last paid one, after the pool's grace.

    A gap that was paid later is mended where the rule says so; who then pays what fell due in it,
    the rule says too.
    """
    month, paid_until, terms = Month.of(day), member.paid_until, rule.value
    spared = terms.stops == "allowance" and for_medical
    gap = member.made_up
    if gap is not None and gap.first <= month <= gap.last:
        if spared:
            before = (("paid_until", gap.first.plus(-1)), ("month", month))
            return Step(StepKind.INTERRUPTION_SPARES_MEDICAL, rule.citation, None, before)
        return _in_the_gap(gap, month, rule)
    if paid_until is None:
        return Step(StepKind.CONTRIBUTIONS_NOT_STATED, rule.citation)
    values = (("paid_until", paid_until), ("month", month))
    last = paid_until.plus(terms.grace_months)
    if month <= last:
        return Step(StepKind.CONTRIBUTIONS_CURRENT, rule.citation, None, values)
    if month == last.plus(1) and day.day <= terms.booking_grace_days:
        grace = (*values, ("days", terms.booking_grace_days))
        return Step(StepKind.NOT_BOOKED_YET, rule.citation, None, grace)
    if spared:
        return Step(StepKind.INTERRUPTION_SPARES_MEDICAL, rule.citation, None, values)
    return Refused(Refusal.INTERRUPTED, rule.citation, values)


def _in_the_gap(gap: MadeUp, month: Month, rule: Sourced[Interruption]) -> Step | Refused:
    make_up = rule.value.make_up
    values = (("from", gap.first), ("to", gap.last), ("month", month))
    if make_up is None or _length(gap.first, gap.last) > make_up.within_months:
        return Refused(Refusal.INTERRUPTED, rule.citation, values)
    if make_up.gap_paid_by == "fund":
        return Step(StepKind.GAP_MADE_UP, rule.citation, None, values)
    by_employer = make_up.gap_paid_by == "employer"
    reason = Refusal.GAP_ON_EMPLOYER if by_employer else Refusal.GAP_NOT_PAID
    return Refused(reason, rule.citation, values)


def _length(first: Month, last: Month) -> int:
    return first.until(last) + 1


class Asked(NamedTuple):
    """The months of payment that a waiting period asks of her; `waived` where it asks none."""

    months: int
    waived: Step | None = None
    rate_ids: tuple[str, ...] = ()


def asked_of(member: Member, months: int, rules: Day) -> Asked:
    """The months asked of everyone, or what moving here from another pool makes of them."""
    unpaid = member.transfer_gap_months
    gap = None if unpaid is None else rules.ask_if_any(TRANSFER_GAP)
    if gap is None or unpaid is None:
        return Asked(months)
    if unpaid > gap.value.months:
        return Asked(min(months, gap.value.waiting_if_longer), None, (gap.rate_id,))
    waived = Step(StepKind.TRANSFER_NO_WAITING, gap.citation, None, (("gap", unpaid),))
    return Asked(0, waived, (gap.rate_id,))


def _waiting(
    member: Member, day: date, rule: Sourced[Waiting], interruption: Sourced[Interruption],
    asked: Asked,
) -> Step | Refused:  # fmt: skip
    if member.months_paid is None:
        stated = (("months_asked", asked.months),)
        return asked.waived or Step(StepKind.WAITING_NOT_STATED, rule.citation, None, stated)
    paid = continuous_months(member, Month.of(day), interruption.value)
    values = (("months_paid", max(paid, 0)), ("months_asked", asked.months))
    if paid <= 0:
        return Refused(Refusal.NOT_INSURED_THEN, rule.citation, values)
    if asked.waived is not None:
        return asked.waived
    if paid >= asked.months:
        return Step(StepKind.WAITING_MET, rule.citation, None, values)
    if rule.value.medical_if_short == "paid":
        return Step(StepKind.WAITING_SHORT_BUT_PAID, rule.citation, None, values)
    return Refused(Refusal.WAITING_PERIOD_NOT_MET, rule.citation, values)


def continuous_months(member: Member, month: Month, terms: Interruption) -> int:
    """Continuous paid months up to `month`; 0 or less where the first came after it.

    What was paid after the event does not count towards its waiting period, nor what lies before
    a gap that the rule does not mend.
    """
    assert member.months_paid is not None  # noqa: S101 - asked by the callers
    paid, until = member.months_paid, member.paid_until
    if until is not None:
        paid -= max(0, month.until(until))
    gap = member.made_up
    if gap is not None and gap.last < month:
        mended = terms.make_up is not None and (
            _length(gap.first, gap.last) <= terms.make_up.within_months
        )
        if not mended:
            paid = min(paid, gap.last.until(month))
    return paid
