"""Which insurances one act of registration starts."""

from __future__ import annotations

from datetime import date

from services.enrollment.domain.refusals import Refusal
from shared.policy.book import Book, NoRule
from shared.policy.cells import INSURANCE_TYPE
from shared.policy.shapes import InsuranceType, MemberKind


def insurances(
    book: Book, pool_code: str, kind: MemberKind, on: date, known_on: date
) -> tuple[InsuranceType, ...] | Refusal:
    """Medical insurance always; maternity insurance in the same act where the pool's clause has
    this kind's births settled under it. A kind of which the pool says nothing has medical alone.
    """
    try:
        clause = book.on(pool_code, kind, on=on, known_on=known_on).ask_if_any(INSURANCE_TYPE)
    except NoRule:
        return Refusal.NO_RULE
    if clause is not None and clause.value is InsuranceType.MATERNITY:
        return (InsuranceType.MEDICAL, InsuranceType.MATERNITY)
    return (InsuranceType.MEDICAL,)


def employer_fits(kind: MemberKind, employer_ref: str | None) -> bool:
    """An employee is registered by an employer, everybody else without one."""
    return (kind is MemberKind.EMPLOYEE) == (employer_ref is not None)
