"""Items that were billed too often, on the wrong days, to the wrong person, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from services.audit.domain.case import Benefit, Billed, Case, Item
from services.audit.domain.hit import Answer, Benefits, Hit, Predicate, Prefixes, begins_with
from services.audit.domain.item_group import Group
from shared.money import NOTHING, Money, RoundingMode


class DaysBeyondStay(Predicate):
    """More days of a group (beds, nursing) billed than the stay has, the day of discharge counted
    where `discharge_day_counts`."""

    evidence: ClassVar[frozenset[str]] = frozenset({"quantity", "days_allowed", "group", "amount"})

    predicate: Literal["days-beyond-stay"]
    benefits: Benefits
    group: Group
    discharge_day_counts: bool

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the days above."""
        if case.benefit not in self.benefits:
            return []
        billed = case.billed.get(self.group)
        if billed is None or billed.quantity is None or billed.amount is None:
            return None
        allowed = max(1, case.los + self.discharge_day_counts)
        if billed.quantity <= allowed:
            return []
        above = share_above(billed, Decimal(allowed))
        told = {
            "quantity": plain(billed.quantity),
            "days_allowed": str(allowed),
            "amount": above.to_wire(),
        }
        return [Hit(case.at_risk(above), told)]


class OutsideStay(Predicate):
    """An item charged more than `days_before` before admission or `days_after` after discharge."""

    evidence: ClassVar[frozenset[str]] = frozenset(
        {"items", "admitted_on", "discharged_on", "days_before", "days_after", "amount"}
    )

    predicate: Literal["outside-stay"]
    benefits: Benefits
    days_before: int = Field(ge=0, le=60)
    days_after: int = Field(ge=0, le=60)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for all that the items with such a day come to."""
        if case.benefit not in self.benefits:
            return []
        if case.items is None:
            return None
        begin = case.admitted - timedelta(days=self.days_before)
        end = case.discharged + timedelta(days=self.days_after)
        outside = [i for i in case.items if i.first_day < begin or i.last_day > end]
        if not outside:
            return []
        told = {
            "items": named(outside),
            "admitted_on": case.admitted.isoformat(),
            "discharged_on": case.discharged.isoformat(),
        }
        return [_of_items(case, outside, told)]


class MoreLinesThanDays(Predicate):
    """An item on at least `lines_above_days_min` more fee lines than days: on some day it stands
    twice.

    A bill by item does not tell of single lines: they may all have one quantity and price where
    both sums divide evenly by their number, and only then is it asked. Not asked are items of a
    group in `exempt`, which is lawfully given again within a day, and those of no group, which
    might belong there.
    """

    evidence: ClassVar[frozenset[str]] = frozenset(
        {"items", "lines", "days_charged", "lines_above_days_min", "amount"}
    )

    predicate: Literal["more-lines-than-days"]
    benefits: Benefits
    lines_above_days_min: int = Field(ge=1, le=1000)
    exempt: list[Group]

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for what the lines above the days come to."""
        if case.benefit not in self.benefits:
            return []
        if case.items is None or any(i.lines is None or i.days is None for i in case.items):
            return None
        doubled = [item for item in case.items if self._is_doubled(item)]
        if not doubled:
            return []
        above = Money.total(_of_lines_above(item) for item in doubled)
        told = {
            "items": named(doubled),
            "lines": str(sum(item.lines or 0 for item in doubled)),
            "days_charged": str(sum(item.days or 0 for item in doubled)),
            "amount": above.to_wire(),
        }
        return [Hit(case.at_risk(above), told)]

    def _is_doubled(self, item: Item) -> bool:
        lines, days = item.lines or 0, item.days or 0
        return (
            lines - days >= self.lines_above_days_min
            and bool(item.groups)
            and set(item.groups).isdisjoint(self.exempt)
            and item.amount.fen > 0
            and item.amount.fen % lines == 0
            and item.quantity % lines == 0
        )


def _of_lines_above(item: Item) -> Money:
    lines, days = item.lines or 1, item.days or 0
    return item.amount.ratio(lines - days, lines, RoundingMode.HALF_UP)


class TooOften(Predicate):
    """More of a group than `quantity_max` in one `window`, within the weeks of gestation named.

    A visit or stay is the case itself; a pregnancy is the person's prenatal visits of the
    `PREGNANCY_DAYS` before, the case included, and is asked of each further visit.
    """

    evidence: ClassVar[frozenset[str]] = frozenset({"group", "quantity", "quantity_max", "weeks"})

    predicate: Literal["too-often"]
    benefits: Benefits
    group: Group
    per: Literal["case", "pregnancy"]
    quantity_max: int = Field(ge=0, le=1000)
    weeks_min: int = Field(0, ge=0, le=45)
    weeks_max: int = Field(45, ge=0, le=45)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the share of the group's amount that is above."""
        if case.benefit not in self.benefits:
            return []
        if self._asks_weeks() and case.weeks is None:
            return None
        if case.weeks is not None and not self.weeks_min <= case.weeks <= self.weeks_max:
            return []
        billed = case.billed.get(self.group)
        if billed is None or billed.quantity is None:
            return None
        before = Decimal(0) if self.per == "case" else self._before(case, others)
        quantity = before + billed.quantity
        if quantity <= self.quantity_max or not billed.quantity:
            return []
        above = share_above(billed, max(Decimal(0), self.quantity_max - before))
        told = {"quantity": plain(quantity), "weeks": str(case.weeks) if case.weeks else "-"}
        return [Hit(case.at_risk(above), told)]

    def _asks_weeks(self) -> bool:
        return self.weeks_min > 0 or self.weeks_max < 45

    def _before(self, case: Case, others: Sequence[Case]) -> Decimal:
        told = [
            other.billed[self.group].quantity
            for other in others
            if case.same_person(other)
            and other.benefit is Benefit.PRENATAL
            and self.group in other.billed
            and 0 <= (case.event - other.event).days <= PREGNANCY_DAYS
            and (other.event, other.case_id) < (case.event, case.case_id)
        ]
        return sum((quantity for quantity in told if quantity is not None), Decimal(0))


PREGNANCY_DAYS = 300
"""How far back visits are counted to one pregnancy."""


class ForbiddenItem(Predicate):
    """An item of a group billed where it does not belong: in a case of one of `benefits`, of a mode
    that is not among `modes_allowed`, without a diagnosis that begins like one of `unless`, and,
    where `while_pregnant`, of a person with a prenatal visit in the days of a pregnancy before."""

    evidence: ClassVar[frozenset[str]] = frozenset({"group", "benefit", "quantity", "amount"})

    predicate: Literal["forbidden-item"]
    benefits: Benefits
    group: Group
    modes_allowed: list[Literal["vaginal", "assisted", "cesarean"]] = Field([])
    unless: Prefixes = Field([])
    while_pregnant: bool = False

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the group's whole amount."""
        if case.benefit not in self.benefits or case.mode in self.modes_allowed:
            return []
        billed = case.billed.get(self.group)
        if billed is None or billed.amount is None:
            return None
        if not billed.amount:
            return []
        if self.modes_allowed and case.mode is None:
            return None
        if self.unless and case.diagnoses is None:
            return None
        if begins_with(case.diagnoses or (), self.unless):
            return []
        if self.while_pregnant and not _pregnant(case, others):
            return []
        told = {
            "benefit": case.benefit,
            "quantity": "-" if billed.quantity is None else plain(billed.quantity),
            "amount": billed.amount.to_wire(),
        }
        return [Hit(case.at_risk(billed.amount), told)]


class MissingItem(Predicate):
    """A case that tells of a mode or a diagnosis, and bills nothing of the groups that prove it.

    With `all_of` each of `groups` must be there, else one of them is enough.
    """

    evidence: ClassVar[frozenset[str]] = frozenset({"missing", "mode", "codes"})

    predicate: Literal["missing-item"]
    benefits: Benefits
    modes: list[Literal["vaginal", "assisted", "cesarean"]] = Field([])
    diagnoses: Prefixes = Field([])
    groups: list[Group] = Field(min_length=1)
    all_of: bool

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit; what the case is worth without the code only re-pricing tells."""
        if case.benefit not in self.benefits or (self.modes and case.mode not in self.modes):
            return []
        codes: list[str] = []
        if self.diagnoses:
            if case.diagnoses is None:
                return None
            codes = begins_with(case.diagnoses, self.diagnoses)
            if not codes:
                return []
        amounts = [case.billed[g].amount if g in case.billed else None for g in self.groups]
        missing = [g for g, a in zip(self.groups, amounts, strict=True) if a == NOTHING]
        present = [a for a in amounts if a is not None and a != NOTHING]
        unknown = len(amounts) - len(missing) - len(present)
        if self.all_of:
            if not missing:
                return None if unknown else []
        elif present:
            return []
        elif unknown:
            return None
        told = {
            "missing": ", ".join(missing),
            "mode": case.mode or "-",
            "codes": ", ".join(codes) or "-",
        }
        return [Hit(case.fund_part(), told)]


def share_above(billed: Billed, allowed: Decimal) -> Money:
    """What of a group's amount is for more than the quantity allowed, to the fen, half up."""
    if billed.amount is None or not billed.quantity:
        return NOTHING
    above = Fraction(max(Decimal(0), billed.quantity - allowed)) / Fraction(billed.quantity)
    return billed.amount.ratio(above.numerator, above.denominator, RoundingMode.HALF_UP)


def named(items: Sequence[Item]) -> str:
    """The codes of items, at most ten of them."""
    more = f" (+{len(items) - 10})" if len(items) > 10 else ""
    return ", ".join(item.code for item in items[:10]) + more


def plain(quantity: Decimal) -> str:
    """A quantity without needless zeros."""
    return f"{quantity.normalize():f}"


def _of_items(case: Case, items: Sequence[Item], told: dict[str, str]) -> Hit:
    amount = Money.total(item.amount for item in items)
    return Hit(case.at_risk(amount), told | {"amount": amount.to_wire()})


def _pregnant(case: Case, others: Sequence[Case]) -> bool:
    return any(
        case.same_person(other)
        and other.benefit is Benefit.PRENATAL
        and 0 <= (case.event - other.event).days <= PREGNANCY_DAYS
        for other in others
    )
