"""The settlement list (结算清单) that a hospital sends after a settlement, and where it departs
from what was settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.settlement.domain.doubt import DoubtKind
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Outcome
from shared.money import Money

ABOUT_LISTS = (
    DoubtKind.LIST_SUMS_DIFFER,
    DoubtKind.LIST_DIAGNOSES_DIFFER,
    DoubtKind.LIST_OPERATIONS_DIFFER,
    DoubtKind.LIST_NEWBORNS_DIFFER,
)


@dataclass(frozen=True, slots=True)
class SettlementList:
    """What is kept of a list: codes and measures, nothing that names the person.

    `funds` is what it says the funds paid, the personal account left out, None where it says
    nothing. `diagnoses` have the principal one first; `birth_grams` are the newborns' weights.
    """

    diagnoses: tuple[str, ...]
    operations: tuple[str, ...]
    funds: Money | None
    birth_grams: tuple[Decimal, ...]
    admission_grams: tuple[Decimal, ...]
    newborn_admission: str
    leaving: str

    def stored(self) -> dict[str, Any]:
        """The list as it is kept."""
        return {
            "diagnoses": self.diagnoses,
            "operations": self.operations,
            "funds": self.funds.to_wire() if self.funds is not None else None,
            "birth_grams": [f"{grams:f}" for grams in self.birth_grams],
            "admission_grams": [f"{grams:f}" for grams in self.admission_grams],
            "newborn_admission": self.newborn_admission,
            "leaving": self.leaving,
        }


def departures(
    told: SettlementList, settlement: Settlement, outcome: Outcome
) -> Iterator[tuple[DoubtKind, dict[str, Any]]]:
    """Where a list says something else than was settled. What it leaves out says nothing."""
    paid = settlement.shares.desk_fund + settlement.shares.other_fund
    if told.funds is not None and told.funds != paid:
        found: dict[str, Any] = {"told": told.funds.to_wire(), "settled": paid.to_wire()}
        yield DoubtKind.LIST_SUMS_DIFFER, found
    coded = outcome.diagnoses
    if told.diagnoses and (
        told.diagnoses[:1] != coded[:1] or set(told.diagnoses) != set(coded)
    ):  # fmt: skip
        found = {"told": list(told.diagnoses), "settled": list(coded)}
        yield DoubtKind.LIST_DIAGNOSES_DIFFER, found
    if told.operations and set(told.operations) != set(outcome.procedures):
        found = {"told": list(told.operations), "settled": list(outcome.procedures)}
        yield DoubtKind.LIST_OPERATIONS_DIFFER, found
    born = len(told.birth_grams)
    if born and born != (settlement.infants or 0):
        yield DoubtKind.LIST_NEWBORNS_DIFFER, {"told": born, "settled": settlement.infants or 0}
