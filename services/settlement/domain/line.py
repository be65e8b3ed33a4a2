"""A fee line, and what the catalogue makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.settlement.domain.cost import Cost
from shared.money import NOTHING, Money, RoundingMode


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of the bill; its amount is quantity x price, half up to the fen.

    `returns` is the earlier line of which this one takes `quantity` back: that much less is billed.
    `own_code` is the hospital's own for the item; where it names no item of the catalogue,
    `item_code` is empty until the line is read by the hospital's mappings. What the hospital itself
    did not approve (`approved` false) is the person's to pay, whatever the catalogue says.
    """

    line_number: int
    item_code: str
    charged_on: date
    quantity: Decimal
    price: Money
    returns: int | None = None
    own_code: str | None = None
    approved: bool = True

    def amount(self) -> Money:
        """What the line costs."""
        return self.price.at_rate(self.quantity, RoundingMode.HALF_UP)


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """An item on a day: class a in full, b after a first co-payment, c self-paid.

    `limit` is the highest price of one unit that is in scope, in the hospital that charges it. What
    is not for `maternity` is paid by the member there, whatever its class.
    """

    item_code: str
    item_class: str
    first_copay_rate: Decimal
    limit: Money | None
    maternity: bool = True


class LineWarning(StrEnum):
    """Why a line is self-paid that its hospital may have meant to be covered."""

    NOT_IN_CATALOGUE = "not_in_catalogue"
    NOT_FOR_MATERNITY = "not_for_maternity"


@dataclass(frozen=True, slots=True)
class ClassedLine:
    """A line with its class ("none" outside the catalogue) and its four parts: of a line that
    returns another, what it takes off the bill."""

    line: FeeLine
    item_class: str
    cost: Cost
    warning: LineWarning | None = None


def classed(line: FeeLine, item: CatalogueItem | None) -> ClassedLine:
    """What of a line is in scope. What no catalogue names, or the hospital did not approve, is out
    of scope, whole."""
    amount = line.amount()
    if item is None or item.item_class == "c" or not (item.maternity and line.approved):
        cost = Cost(total=amount, in_scope=NOTHING, out_of_scope=amount)
        return ClassedLine(line, item.item_class if item else "none", cost, _warning(item))
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


def _warning(item: CatalogueItem | None) -> LineWarning | None:
    if item is None:
        return LineWarning.NOT_IN_CATALOGUE
    return None if item.maternity else LineWarning.NOT_FOR_MATERNITY
