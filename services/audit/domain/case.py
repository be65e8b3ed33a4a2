"""A case: all that rules see of one claim, whether it was settled, lies in a file, or is only
asked about before it is filed. What was not told is None, and a rule that needs it is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from shared.money import Money


class Benefit(StrEnum):
    """What a case is claimed as; the two `ordinary` ones are medical insurance's."""

    DELIVERY = "delivery"
    ANTEPARTUM = "antepartum"
    PRENATAL = "prenatal"
    LOSS = "loss"
    FAMILY_PLANNING = "family_planning"
    COMPLICATION = "complication"
    ORDINARY_INPATIENT = "ordinary_inpatient"
    ORDINARY_OUTPATIENT = "ordinary_outpatient"


class Sex(StrEnum):
    """The person's sex, as the insurance register has it."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class Item:
    """One catalogue item as billed in a case: everything charged under its code, added up.

    `list_price` is the price of one unit in the price list, where the hospital tells it; `groups`
    are those that the agency's catalogue puts the item in. It stands on `lines` fee lines of `days`
    different days, where that is told.
    """

    code: str
    quantity: Decimal
    amount: Money
    first_day: date
    last_day: date
    list_price: Money | None = None
    groups: tuple[str, ...] = ()
    lines: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Billed:
    """What was billed under one group of items; None where only the other of the two is known."""

    quantity: Decimal | None
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `filed` orders a person's cases by when they were claimed, whatever its form;
    `event` is the day of the birth, visit, loss or surgery; `severity` runs from 1 to 4;
    `mode_stated` is another mode than `mode`, which the record's own field names.

    `billed` holds the groups of items that the case tells of; a group that is not in it is not
    known to be billed or not. `month_end_unrecorded` counts the deliveries without a prenatal
    record that its institution discharged in the last days of the month, this one included.
    """

    pool: str
    case_id: str
    person: str
    institution: str
    benefit: Benefit
    filed: str
    admitted: date
    event: date
    discharged: date
    total: Money
    fund: Money | None
    level: int | None = None
    insurance_type: str | None = None
    settled_on: date | None = None
    sex: Sex | None = None
    age: int | None = None
    mode: str | None = None
    mode_stated: str | None = None
    weeks: int | None = None
    severity: int | None = None
    insured: bool | None = None
    diagnoses: tuple[str, ...] | None = None
    procedures: tuple[str, ...] | None = None
    items: tuple[Item, ...] | None = None
    billed: Mapping[str, Billed] = field(default_factory=dict)
    month_end_unrecorded: int | None = None

    @property
    def los(self) -> int:
        """Nights between admission and discharge; 0 for a visit."""
        return (self.discharged - self.admitted).days

    def filed_after(self, other: Case) -> bool:
        """Whether this case was claimed later; the id decides between equal instants."""
        return (self.filed, self.case_id) > (other.filed, other.case_id)

    def same_person(self, other: Case) -> bool:
        """Whether it is another case of the same person."""
        return self.case_id != other.case_id and (self.pool, self.person) == (
            other.pool,
            other.person,
        )

    def fund_part(self) -> Money:
        """What the fund paid, or would pay at most where that is not known yet."""
        return self.total if self.fund is None else self.fund

    def at_risk(self, amount: Money) -> Money:
        """How much of a disputed amount can be the fund's."""
        return max(Money(0), min(amount, self.fund_part()))
