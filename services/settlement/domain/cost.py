"""What the bill holds, by what the catalogue says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.money import NOTHING, Money


class CatalogueClass(StrEnum):
    """The class of a line in the catalogue."""

    CLASS_A = "class_a"
    CLASS_B = "class_b"
    CLASS_C = "class_c"


@dataclass(frozen=True, slots=True)
class CostLine:
    """A fee line: of its `amount`, what lies over a price limit and what is paid first."""

    amount: Money
    catalogue_class: CatalogueClass
    over_limit: Money = NOTHING
    first_copay: Money = NOTHING

    def __post_init__(self) -> None:
        if self.catalogue_class is not CatalogueClass.CLASS_B and self.first_copay:
            raise ValueError("only class B has a first co-payment")
        outside = self.over_limit + self.first_copay
        if min(self.over_limit.fen, self.first_copay.fen) < 0 or outside > self.amount:
            raise ValueError("the parts of a line exceed the line")


@dataclass(frozen=True, slots=True)
class Cost:
    """A bill: its four parts, none negative, add up to the total."""

    total: Money
    in_scope: Money
    out_of_scope: Money = NOTHING
    over_limit: Money = NOTHING
    first_copay: Money = NOTHING

    def __post_init__(self) -> None:
        parts = (self.in_scope.fen, self.out_of_scope.fen, self.over_limit.fen)
        if min(parts) < 0 or self.first_copay.fen < 0:
            raise ValueError("a part of a bill is not negative")
        if sum(parts) + self.first_copay.fen != self.total.fen:
            raise ValueError("the parts of a bill add up to its total")

    def outside(self) -> Money:
        """What the member bears before any share: all that is not in scope."""
        return self.total - self.in_scope

    def less(self, taken: Cost) -> Cost:
        """What is left of each part. Raises ValueError where more is taken than there is."""
        return Cost(
            self.total - taken.total,
            self.in_scope - taken.in_scope,
            self.out_of_scope - taken.out_of_scope,
            self.over_limit - taken.over_limit,
            self.first_copay - taken.first_copay,
        )

    def raised_to(self, total: Money) -> Cost:
        """The bill as if it came to `total`: what a sum pays above it is hers."""
        return replace(self, total=total, in_scope=self.in_scope + (total - self.total))


@dataclass(frozen=True, slots=True)
class Bed:
    """The bed charge within the bill's in-scope cost, and its days."""

    charge: Money
    days: int


def sum_of(costs: Sequence[Cost]) -> Cost:
    """Bills, or lines of one bill, together."""
    return Cost(
        total=Money.total(cost.total for cost in costs),
        in_scope=Money.total(cost.in_scope for cost in costs),
        out_of_scope=Money.total(cost.out_of_scope for cost in costs),
        over_limit=Money.total(cost.over_limit for cost in costs),
        first_copay=Money.total(cost.first_copay for cost in costs),
    )


def of_lines(lines: Sequence[CostLine]) -> Cost:
    """The bill that the lines make: class A in full, B after its first co-payment, C self-paid."""
    self_paid = CatalogueClass.CLASS_C
    in_catalogue = [line for line in lines if line.catalogue_class is not self_paid]
    out_of_scope = Money.total(line.amount for line in lines if line.catalogue_class is self_paid)
    over_limit = Money.total(line.over_limit for line in in_catalogue)
    first_copay = Money.total(line.first_copay for line in in_catalogue)
    covered = Money.total(line.amount for line in in_catalogue)
    return Cost(
        total=covered + out_of_scope,
        in_scope=covered - over_limit - first_copay,
        out_of_scope=out_of_scope,
        over_limit=over_limit,
        first_copay=first_copay,
    )
