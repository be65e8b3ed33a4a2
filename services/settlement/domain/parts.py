"""The parts of a priced bill, final after clearing, with what explains them."""

from __future__ import annotations

from dataclasses import dataclass

from services.settlement.domain.cost import Cost
from services.settlement.domain.prenatal import UnitUse
from services.settlement.domain.steps import Step, StepKind
from shared.money import NOTHING, Money
from shared.policy.rules import Citation


@dataclass(frozen=True, slots=True)
class Parts:
    """cost.total = fund + member + institution + other_fund; only `institution` may be negative."""

    cost: Cost
    fund: Money
    member: Money
    institution: Money
    steps: tuple[Step, ...]
    rate_ids: tuple[str, ...] = ()
    other_fund: Money = NOTHING
    units: tuple[UnitUse, ...] = ()


def without_bill(
    amount: Money,
    cited: Citation,
    steps: tuple[Step, ...],
    rate_ids: tuple[str, ...] = (),
    units: tuple[UnitUse, ...] = (),
) -> Parts:
    """The standard amount alone, where no bill was given: all of it the fund's."""
    bare = Cost(total=amount, in_scope=amount)
    shown = Step(StepKind.NO_BILL_GIVEN, cited, amount)
    return Parts(bare, amount, NOTHING, NOTHING, (*steps, shown), rate_ids, units=units)
