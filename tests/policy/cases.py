"""Cases for the tests: one plain delivery, changed where a test says so."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cost import Cost
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.member import Member
from services.settlement.domain.pricing import Priced, price
from services.settlement.domain.refusals import Refused
from shared.money import Money
from shared.period import Month
from shared.policy.book import Book
from shared.policy.shapes import DeliveryMode, MemberKind

NANJING, KIZILSU, URUMQI = "320100", "653000", "650100"
TODAY = date(2026, 11, 21)


def yuan(text: str) -> Money:
    return Money.from_wire(text)


def case(pool: str, on: date, in_scope: str | None = "9000.00", **changed: Any) -> Case:
    """A caesarean at a level 3 hospital, paid up, long insured, nothing outside the scope."""
    cost = None if in_scope is None else Cost(yuan(in_scope), yuan(in_scope))
    facts: dict[str, Any] = {
        "pool": pool,
        "member": Member(MemberKind.EMPLOYEE, 36, Month.of(on)),
        "claimed": Delivery(DeliveryMode.CESAREAN),
        "dates": Dates.all_on(on),
        "known_on": TODAY,
        "institution": Institution(3),
        "cost": cost,
    }
    return Case(**{**facts, **changed})


def priced(of: Case, book: Book) -> Priced:
    decided = price(of, book)
    assert isinstance(decided, Priced), decided
    return decided


def refused(of: Case, book: Book) -> Refused:
    decided = price(of, book)
    assert isinstance(decided, Refused), decided
    return decided
