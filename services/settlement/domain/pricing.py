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
from shared.policy.rules import Citation
from shared.policy.shapes import ExpenditureItem, InsuranceType

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
    kind = case.member.kind
    at_event = book.on(case.pool, kind, on=case.dates.event, known_on=case.known_on)
    which = at_event.ask(DECIDING_DATE)
    day = case.dates.chosen(which.value)
    rules = book.on(case.pool, kind, on=day, known_on=case.known_on)
    entitled = entitlement(case.member, day, rules)
    if isinstance(entitled, Refused):
        return entitled
    parts = parts_of_delivery(case, rules)
    if isinstance(parts, Refused):
        return parts
    decides = Step(
        StepKind.DATE_DECIDES,
        which.citation,
        None,
        (("which", which.value.value), ("day", day.isoformat())),
    )
    insurance_type, item = rules.ask(INSURANCE_TYPE), rules.ask(EXPENDITURE_ITEM)
    common = (which.rate_id, *_common_rate_ids(rules))
    cited = rules.ask(DELIVERY).citation
    account = min(case.account_available, parts.member)
    return Priced(
        total=parts.cost.total,
        fund=parts.fund,
        member=parts.member,
        member_account=account,
        member_cash=parts.member - account,
        institution=parts.institution,
        other_fund=NOTHING,
        desk=_desk(parts),
        steps=(
            decides,
            *_standing_steps(rules),
            *entitled,
            *_outside_steps(parts.cost, rules),
            *parts.steps,
            *_final_steps(parts, account, cited),
        ),
        rate_ids=(*common, *parts.rate_ids),
        book_hash=book.hash,
        engine=ENGINE,
        decided_on=day,
        expenditure_item=item.value,
        insurance_type=insurance_type.value,
    )


def _desk(parts: Parts) -> Desk:
    """The receipt: its two parts add up to the bill, so what the hospital bears or keeps after
    clearing never shows on it."""
    return Desk(fund=parts.cost.total - parts.member, member=parts.member)


_ALWAYS_ASKED: tuple[Cell[Any], ...] = (
    INSURANCE_TYPE,
    EXPENDITURE_ITEM,
    INTERRUPTION,
    WAITING,
    DELIVERY,
    CATALOGUE,
)


def _common_rate_ids(rules: Day) -> tuple[str, ...]:
    known: tuple[str, ...] | None = rules.remembered.get("common_rate_ids")
    if known is None:
        known = tuple(rules.ask(cell).rate_id for cell in _ALWAYS_ASKED)
        rules.remembered["common_rate_ids"] = known
    return known


def _standing_steps(rules: Day) -> tuple[Step, ...]:
    """The steps that follow from the pool, the kind of member and the day alone."""
    known: tuple[Step, ...] | None = rules.remembered.get("standing_steps")
    if known is None:
        insurance_type, item = rules.ask(INSURANCE_TYPE), rules.ask(EXPENDITURE_ITEM)
        under = (("insurance_type", insurance_type.value.value),)
        charged = (("item", item.value.value),)
        known = (
            Step(StepKind.SETTLED_UNDER, insurance_type.citation, None, under),
            Step(StepKind.CHARGED_TO, item.citation, None, charged),
        )
        rules.remembered["standing_steps"] = known
    return known


def _outside_steps(cost: Cost, rules: Day) -> tuple[Step, ...]:
    outside = cost.outside()
    if not outside:
        return ()
    values = (
        ("out_of_scope", cost.out_of_scope.to_wire()),
        ("over_limit", cost.over_limit.to_wire()),
        ("first_copay", cost.first_copay.to_wire()),
    )
    return (Step(StepKind.OUTSIDE_SCOPE, rules.ask(CATALOGUE).citation, outside, values),)


def _final_steps(parts: Parts, account: Money, cited: Citation) -> tuple[Step, ...]:
    steps = [
        Step(StepKind.FUND_PAYS, cited, parts.fund),
        Step(StepKind.MEMBER_PAYS, cited, parts.member),
    ]
    if account:
        cash = (parts.member - account).to_wire()
        steps.append(Step(StepKind.FROM_ACCOUNT, cited, account, (("cash", cash),)))
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
