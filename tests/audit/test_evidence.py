"""What each kind of evidence makes of a claim, on claims made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from services.audit.scoring.claim_table import COLUMNS
from services.audit.scoring.evidence import CHARGES_OF_BILL, KINDS, Weighed, weigh

USUAL = dict.fromkeys(COLUMNS, 0.0) | {"total": 5000.0, "fund": 4000.0, "days_to_month_end": 15}


def weighed(**facts: float) -> Weighed:
    """A claim in every way as expected, save what is given."""
    of = {name: np.array([value], dtype=np.float32) for name, value in (USUAL | facts).items()}
    return weigh(of)


def kind_of(claim: Weighed) -> str:
    return list(KINDS)[claim.kind[0]]


def test_nothing_is_found_where_nothing_is() -> None:
    assert weighed().chance[0] < 0.02


def test_missing_figures_are_no_evidence() -> None:
    missing = {name: float("nan") for name in COLUMNS if name[:2] in ("t_", "d_", "a_", "z_", "r_")}
    assert weighed(**missing).chance[0] < 0.02


def test_a_charge_made_twice_stands_out_and_a_hard_case_does_not() -> None:
    twice = weighed(z_lab=7, r_lab=np.log(2), lab=800, z_total=1)
    hard = weighed(**{f"z_{charge}": 7 for charge in CHARGES_OF_BILL}, z_total=2.5)
    assert kind_of(twice) == "charge"
    assert twice.yuan[0] == pytest.approx(400, rel=1e-3)
    assert twice.chance[0] > 10 * hard.chance[0]


def test_a_rule_puts_its_own_sum_at_risk() -> None:
    claim = weighed(rule_chance=0.9, rule_yuan=4000)
    assert (kind_of(claim), claim.yuan[0]) == ("rule", 4000)
    assert claim.chance[0] == pytest.approx(0.9, abs=0.02)


def test_only_the_caesareans_of_a_month_that_moved_are_doubted() -> None:
    month = {"t_caesarean": 6.0, "d_caesarean": 0.2, "a_caesarean": 0.6, "mode_gap": 0.3}
    caesarean, vaginal = weighed(**month, is_caesarean=1), weighed(**month)
    assert kind_of(caesarean) == "mode"
    # A third of them are beyond expectation, and half of such months have a lawful reason.
    assert caesarean.chance[0] == pytest.approx(0.9 * 0.5 / 3, rel=0.1)
    assert caesarean.yuan[0] == pytest.approx(5000 * (1 - np.exp(-0.3)), rel=1e-3)
    assert vaginal.chance[0] < 0.02


def test_of_a_stay_cut_in_two_the_part_before_is_doubted_more() -> None:
    month = {"t_touching": 6.0, "d_touching": 0.1, "a_touching": 0.1}
    before, after = weighed(**month, followed=1), weighed(**month, touching=1)
    assert before.chance[0] > after.chance[0] > 0.1
    assert before.yuan[0] > after.yuan[0]


def test_evidence_of_two_kinds_is_more_than_of_one() -> None:
    one = weighed(rule_chance=0.3, rule_yuan=100)
    both = weighed(rule_chance=0.3, rule_yuan=100, z_lab=7, r_lab=1, lab=800)
    assert both.chance[0] > one.chance[0] + 0.1
