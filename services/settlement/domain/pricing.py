"""What a delivery is worth, and who pays which part: pure, and the same for ever.

The facts, the book and the engine's version decide alone; the answer names every version of a
rule that it used, so that it can be recomputed years later, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from services.settlement.domain.case import Case
from services.settlement.domain.cost import Cost
from services.settlement.domain.entitlement import entitlement
from services.settlement.domain.member import Member
from services.settlement.domain.methods import Parts, parts_of_delivery
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.policy.book import Book, Day, NoRule
from shared.policy.cells import (
    CATALOGUE,
    DECIDING_DATE,
    DELIVERY,
    EXPENDITURE_ITEM,
    INSURANCE_TYPE,
    INTERRUPTION,
    WAITING,
    Cell,
)
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import DecidingDate, ExpenditureItem, InsuranceType

ENGINE = "1"
"""Version of the arithmetic. It changes when the same case and book would give another answer."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the mother's receipt shows; its two parts add up to the bill."""

    fund: Money
    member: Money


@dataclass(frozen=True, slots=True)
class Priced:
    """A decision. total = fund + member + institution + other_fund; only `institution` may be
    negative (what the hospital keeps); member = member_account + member_cash."""

    total: Money
    fund: Money
    member: Money
    member_account: Money
    member_cash: Money
    institution: Money
    other_fund: Money
    desk: Desk
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    book_hash: str
    engine: str
    decided_on: date
    expenditure_item: ExpenditureItem
    insurance_type: InsuranceType


def price(case: Case, book: Book) -> Priced | Refused:
    """Price a delivery. The same case and book give the same answer; refusals are answers too."""
    try:
        return _price(case, book)
    except NoRule as none:
        return _no_rule(none)


def _price(case: Case, book: Book) -> Priced | Refused:
    kind, event = case.member.kind, case.dates.event
    rules = book.on(case.pool, kind, on=event, known_on=case.known_on)
    which = rules.ask(DECIDING_DATE)
    day = case.dates.chosen(which.value)
    if day != event:
        rules = book.on(case.pool, kind, on=day, known_on=case.known_on)
    opening = _opening(case.member, day, which, rules)
    if isinstance(opening, Refused):
        return opening
    parts = parts_of_delivery(case, rules)
    if isinstance(parts, Refused):
        return parts
    cost, member = parts.cost, parts.member
    account = min(case.account_available, member) if case.account_available else NOTHING
    return Priced(
        total=cost.total,
        fund=parts.fund,
        member=member,
        member_account=account,
        member_cash=member - account if account else member,
        institution=parts.institution,
        other_fund=NOTHING,
        desk=_desk(parts),
        steps=(
            *opening.steps,
            *_outside_steps(cost, rules),
            *parts.steps,
            *_final_steps(parts, account, opening.decisive),
        ),
        rate_ids=opening.rate_ids + parts.rate_ids,
        book_hash=book.hash,
        engine=ENGINE,
        decided_on=day,
        expenditure_item=opening.expenditure_item,
        insurance_type=opening.insurance_type,
    )


@dataclass(frozen=True, slots=True)
class _Opening:
    """What holds before the bill is looked at: it follows from the member and the day alone."""

    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...]
    insurance_type: InsuranceType
    expenditure_item: ExpenditureItem
    decisive: Citation


def _opening(
    member: Member, day: date, which: Sourced[DecidingDate], rules: Day
) -> _Opening | Refused:
    key = ("opening", which.rate_id, member.months_paid, member.paid_until)
    return rules.remember(key, lambda: _open(member, day, which, rules))


def _open(
    member: Member, day: date, which: Sourced[DecidingDate], rules: Day
) -> _Opening | Refused:
    entitled = entitlement(member, day, rules)
    if isinstance(entitled, Refused):
        return entitled
    insurance_type, item = rules.ask(INSURANCE_TYPE), rules.ask(EXPENDITURE_ITEM)
    decides = (("which", which.value.value), ("day", day))
    under = (("insurance_type", insurance_type.value.value),)
    charged = (("item", item.value.value),)
    return _Opening(
        steps=(
            Step(StepKind.DATE_DECIDES, which.citation, None, decides),
            Step(StepKind.SETTLED_UNDER, insurance_type.citation, None, under),
            Step(StepKind.CHARGED_TO, item.citation, None, charged),
            *entitled,
        ),
        rate_ids=(which.rate_id, *(rules.ask(cell).rate_id for cell in _ALWAYS_ASKED)),
        insurance_type=insurance_type.value,
        expenditure_item=item.value,
        decisive=rules.ask(DELIVERY).citation,
    )


_ALWAYS_ASKED: tuple[Cell[Any], ...] = (
    INSURANCE_TYPE,
    EXPENDITURE_ITEM,
    INTERRUPTION,
    WAITING,
    DELIVERY,
    CATALOGUE,
)


def _desk(parts: Parts) -> Desk:
    """The receipt: its two parts add up to the bill, so what the hospital bears or keeps after
    clearing never shows on it."""
    fund = parts.fund + parts.institution if parts.institution else parts.fund
    return Desk(fund=fund, member=parts.member)


def _outside_steps(cost: Cost, rules: Day) -> tuple[Step, ...]:
    outside = cost.outside()
    if not outside:
        return ()
    values = (
        ("out_of_scope", cost.out_of_scope),
        ("over_limit", cost.over_limit),
        ("first_copay", cost.first_copay),
    )
    return (Step(StepKind.OUTSIDE_SCOPE, rules.ask(CATALOGUE).citation, outside, values),)


def _final_steps(parts: Parts, account: Money, cited: Citation) -> tuple[Step, ...]:
    steps = [
        Step(StepKind.FUND_PAYS, cited, parts.fund),
        Step(StepKind.MEMBER_PAYS, cited, parts.member),
    ]
    if account:
        cash = (("cash", parts.member - account),)
        steps.append(Step(StepKind.FROM_ACCOUNT, cited, account, cash))
    if parts.institution.fen > 0:
        steps.append(Step(StepKind.HOSPITAL_BEARS, cited, parts.institution))
    elif parts.institution.fen < 0:
        steps.append(Step(StepKind.HOSPITAL_KEEPS, cited, -parts.institution))
    return tuple(steps)


_NO_RULE = {
    "pool_unknown": Refusal.POOL_UNKNOWN,
    "never": Refusal.NOT_COVERED,
    "not_yet": Refusal.NO_RULE_ON_DATE,
}


def _no_rule(none: NoRule) -> Refused:
    return Refused(_NO_RULE[none.why], None, (("rule", none.cell),))
