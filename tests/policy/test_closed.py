"""A method or a benefit that the core does not know yet is an error, never priced as another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from services.settlement.domain.checks import parts_of_check
from services.settlement.domain.cost import Cost
from services.settlement.domain.methods import met_by, parts_of
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.standard import Standard, standard_of
from services.settlement.domain.treatment import Treatment, treatment_of
from shared.policy.book import Day
from shared.policy.cells import PRENATAL, PRENATAL_AMOUNT
from shared.policy.rules import Citation, Sourced
from tests.policy.cases import yuan


@dataclass(frozen=True)
class Unheard:
    """What a later document may bring."""

    amounts: None = None


CITED = Citation("一", "first", "第一号文件", "A", "")
NEW: Any = Unheard()
COST = Cost(yuan("9000.00"), yuan("9000.00"))
TREATED = Treatment(NEW, CITED, "r", "new", 3)
RULES = Day(
    "990000",
    {
        PRENATAL.name: Sourced(NEW, date(2020, 1, 1), CITED, "r"),
        PRENATAL_AMOUNT.name: Sourced(yuan("1.00"), date(2020, 1, 1), CITED, "r"),
    },
    {},
    {},
)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: parts_of(TREATED, COST, RULES),
        lambda: met_by(NEW, TREATED, COST, Standard(yuan("1.00"), ()), RULES),
        lambda: standard_of(TREATED, NEW, RULES),
        lambda: treatment_of(NEW, 3, RULES),
        lambda: parts_of_check(Prenatal(20), COST, RULES),
    ],
    ids=["bill", "standard met", "standard", "treatment", "check"],
)
def test_what_is_new_is_not_priced_as_another(ask: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match=r"unreachable, but got: Unheard"):
        ask()
