"""A fee line, and what the catalogue makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.settlement.domain.cost import Cost
from shared.money import NOTHING, Money, RoundingMode


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of the bill; its amount is quantity x price, half up to the fen."""

    line_number: int
    item_code: str
    charged_on: date
    quantity: Decimal
    price: Money

    def amount(self) -> Money:
        """What the line costs."""
        return self.price.at_rate(self.quantity, RoundingMode.HALF_UP)


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """An item on a day: class a in full, b after a first co-payment, c self-paid.

    `limit` is the highest price of one unit that is in scope.
    """

    item_code: str
    item_class: str
    first_copay_rate: Decimal
    limit: Money | None


@dataclass(frozen=True, slots=True)
class ClassedLine:
    """A line with its class ("none" outside the catalogue) and its four parts."""

    line: FeeLine
    item_class: str
    cost: Cost


def classed(line: FeeLine, item: CatalogueItem | None) -> ClassedLine:
    """What of a line is in scope. What no catalogue names is out of scope, whole."""
    amount = line.amount()
    if item is None or item.item_class == "c":
        cost = Cost(total=amount, in_scope=NOTHING, out_of_scope=amount)
        return ClassedLine(line, item.item_class if item else "none", cost)
    over_limit = NOTHING
    if item.limit is not None and line.price > item.limit:
        within = item.limit.at_rate(line.quantity, RoundingMode.HALF_UP)
        over_limit = amount - within
    covered = amount - over_limit
    first_copay = covered.at_rate(item.first_copay_rate, RoundingMode.HALF_UP)
    cost = Cost(
        total=amount,
        in_scope=covered - first_copay,
        over_limit=over_limit,
        first_copay=first_copay,
    )
    return ClassedLine(line, item.item_class, cost)


def bill_of(lines: list[ClassedLine]) -> Cost:
    """The sums of classed lines."""
    return Cost(
        total=Money.total(line.cost.total for line in lines),
        in_scope=Money.total(line.cost.in_scope for line in lines),
        out_of_scope=Money.total(line.cost.out_of_scope for line in lines),
        over_limit=Money.total(line.cost.over_limit for line in lines),
        first_copay=Money.total(line.cost.first_copay for line in lines),
    )
