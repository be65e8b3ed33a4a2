"""Prices against the list that the hospital names with its items."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from services.audit.domain.case import Case, Item
from services.audit.domain.hit import Answer, Benefits, Hit, Predicate
from services.audit.domain.item_group import Group, in_group
from services.audit.domain.items import named
from shared.money import NOTHING, Money, RoundingMode


class AboveListPrice(Predicate):
    """An item billed at more a unit than its price in the list."""

    evidence: ClassVar[frozenset[str]] = frozenset({"items", "amount"})
    needs = frozenset({"list_price"})

    predicate: Literal["above-list-price"]
    benefits: Benefits

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for all that lies above."""
        if case.benefit not in self.benefits:
            return []
        listed = [item for item in case.items or () if item.list_price is not None]
        if not listed:
            return None
        above = [(item, _above(item, Decimal(1))) for item in listed]
        return _hit(case, [(item, amount) for item, amount in above if amount > NOTHING])


class SecondProcedureInFull(Predicate):
    """Several operations of one stay, of which not only the dearest is billed above
    `percent_due` of its list price: a further one through the same access costs a share."""

    evidence: ClassVar[frozenset[str]] = frozenset({"items", "amount", "percent_due"})
    needs = frozenset({"list_price"})

    predicate: Literal["second-procedure-in-full"]
    benefits: Benefits
    group: Group
    percent_due: int = Field(ge=1, le=99)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for what the further operations cost above that share."""
        if case.benefit not in self.benefits:
            return []
        if case.items is None:
            return None
        operations = sorted(
            in_group(case.items, self.group), key=lambda item: (-item.amount.fen, item.code)
        )
        if len(operations) < 2:
            return []
        if any(item.list_price is None for item in operations[1:]):
            return None
        above = [(item, _above(item, Decimal(self.percent_due) / 100)) for item in operations[1:]]
        return _hit(case, [(item, amount) for item, amount in above if amount > NOTHING])


def _above(item: Item, rate: Decimal) -> Money:
    assert item.list_price is not None  # noqa: S101 - asked before
    return item.amount - item.list_price.at_rate(rate * item.quantity, RoundingMode.HALF_UP)


def _hit(case: Case, above: Sequence[tuple[Item, Money]]) -> list[Hit]:
    if not above:
        return []
    amount = Money.total(amount for _, amount in above)
    told = {"items": named([item for item, _ in above]), "amount": amount.to_wire()}
    return [Hit(case.at_risk(amount), told)]
