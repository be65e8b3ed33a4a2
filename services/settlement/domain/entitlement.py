"""Whether the member is entitled on the day: not interrupted, and waited long enough."""

from __future__ import annotations

from datetime import date

from services.settlement.domain.member import Member
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.period import Month
from shared.policy.book import Day
from shared.policy.cells import INTERRUPTION, WAITING
from shared.policy.rules import Sourced
from shared.policy.shapes import Interruption, Waiting


def entitlement(member: Member, day: date, rules: Day) -> tuple[Step, Step] | Refused:
    """The two steps that entitle `member` to medical costs on `day`, or why not. Raises NoRule."""
    month = Month.of(day)
    current = _contributions(member, month, rules.ask(INTERRUPTION))
    if isinstance(current, Refused):
        return current
    waited = _waiting(member, month, rules.ask(WAITING))
    if isinstance(waited, Refused):
        return waited
    return current, waited


def _contributions(member: Member, month: Month, rule: Sourced[Interruption]) -> Step | Refused:
    """Benefits stop from the month after the last paid one, after the pool's grace."""
    paid_until = member.paid_until
    if paid_until is None:
        return Step(StepKind.CONTRIBUTIONS_NOT_STATED, rule.citation)
    values = (("paid_until", paid_until), ("month", month))
    if month > paid_until.plus(rule.value.grace_months):
        if rule.value.stops == "allowance":
            return Step(StepKind.INTERRUPTION_SPARES_MEDICAL, rule.citation, None, values)
        return Refused(Refusal.INTERRUPTED, rule.citation, values)
    return Step(StepKind.CONTRIBUTIONS_CURRENT, rule.citation, None, values)


def _waiting(member: Member, month: Month, rule: Sourced[Waiting]) -> Step | Refused:
    asked = rule.value.months
    if member.months_paid is None:
        return Step(StepKind.WAITING_NOT_STATED, rule.citation, None, (("months_asked", asked),))
    paid = _months_paid_by(month, member.months_paid, member.paid_until)
    values = (("months_paid", max(paid, 0)), ("months_asked", asked))
    if paid <= 0:
        return Refused(Refusal.NOT_INSURED_THEN, rule.citation, values)
    if paid >= rule.value.months:
        return Step(StepKind.WAITING_MET, rule.citation, None, values)
    if rule.value.medical_if_short == "paid":
        return Step(StepKind.WAITING_SHORT_BUT_PAID, rule.citation, None, values)
    return Refused(Refusal.WAITING_PERIOD_NOT_MET, rule.citation, values)


def _months_paid_by(month: Month, months_paid: int, paid_until: Month | None) -> int:
    """Of the continuous months that end with `paid_until`, those up to `month`: what was paid
    after the event does not count towards its waiting period."""
    if paid_until is None or paid_until <= month:
        return months_paid
    return months_paid - month.until(paid_until)
