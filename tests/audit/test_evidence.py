"""What each kind of evidence makes of a claim, on claims made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from services.audit.scoring.claim_table import COLUMNS
from services.audit.scoring.evidence import CHARGES_OF_BILL, KINDS, Weighed, weigh

USUAL = dict.fromkeys(COLUMNS, 0.0) | {
    "total": 5000.0, "fund": 4000.0, "fund_share": 0.8, "days_to_month_end": 15,
    "s_n_lab": 0.46, "stays_differ": 0.35, "usual_log_los": np.log(4),
}  # fmt: skip


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
    # Half of the charge is too much, and the fund paid four fifths of the bill.
    assert twice.yuan[0] == pytest.approx(0.8 * 400, rel=1e-3)
    assert twice.chance[0] > 10 * hard.chance[0]


def test_a_visit_of_twice_the_tests_is_doubted_where_wards_charge_twice() -> None:
    month = {"t_doubled": 6.0, "d_doubled": 0.1}
    twice = weighed(**month, z_n_lab=2.5)
    assert kind_of(twice) == "twice"
    assert twice.chance[0] > 5 * weighed(**month, z_n_lab=0.5).chance[0]
    assert twice.chance[0] > 5 * weighed(z_n_lab=2.5).chance[0]


def test_a_rule_puts_its_own_sum_at_risk() -> None:
    claim = weighed(rule_chance=0.9, rule_yuan=4000)
    assert (kind_of(claim), claim.yuan[0]) == ("rule", 4000)
    assert claim.chance[0] == pytest.approx(0.9, abs=0.02)


def test_only_the_cesareans_of_a_month_that_moved_are_doubted() -> None:
    month = {"t_caesarean": 6.0, "d_caesarean": 0.2, "a_caesarean": 0.6, "mode_gap": 0.3}
    cesarean, vaginal = weighed(**month, is_caesarean=1), weighed(**month)
    assert kind_of(cesarean) == "mode"
    # A third of them are beyond expectation, and one in four of such months has a lawful reason.
    assert cesarean.chance[0] == pytest.approx(0.9 * 0.75 / 3, rel=0.15)
    assert cesarean.yuan[0] == pytest.approx(4000 * (1 - np.exp(-0.3)), rel=1e-3)
    assert vaginal.chance[0] < 0.02


def test_where_the_women_changed_hardly_anything_is_doubted() -> None:
    month = {"t_long": 6.0, "d_long": 0.2, "longer": 0.4}
    for other_women in ({"t_received": 5.0}, {"t_early": 5.0}):
        assert weighed(**month, **other_women).chance[0] < weighed(**month).chance[0] / 5


def test_a_complication_without_its_tests_is_doubted_more() -> None:
    month = {"t_coded": 6.0, "d_coded": 0.3, "a_coded": 1.0, "is_severe": 1, "is_birth": 1}
    untested, tested = weighed(**month, z_n_lab=-1.5), weighed(**month, z_n_lab=1.0)
    assert kind_of(untested) == "severity"
    assert untested.chance[0] > 2 * tested.chance[0]


def test_a_birth_nobody_prepared_is_doubted_where_they_gather_at_the_end_of_months() -> None:
    birth = {"unprepared": 1, "is_birth": 1, "claims_of_person": 1}
    month = {"t_unprepared_late": 6.0, "d_unprepared_late": 0.08, "a_unprepared_late": 0.1}
    late = weighed(**birth, **month, **{"days_to_month_end": 1})
    assert kind_of(late) == "no_visit"
    assert late.chance[0] > 10 * weighed(**birth, **month).chance[0]
    known = birth | {"claims_of_person": 3}
    assert weighed(**known, **month, **{"days_to_month_end": 1}).chance[0] < late.chance[0] / 2


def test_the_other_one_of_two_that_exclude_each_other_is_doubted_by_half() -> None:
    claim = weighed(rival_chance=0.45)
    assert (kind_of(claim), claim.yuan[0]) == ("rival", 4000)
    assert claim.chance[0] == pytest.approx(0.45, abs=0.02)


def test_of_a_stay_cut_in_two_the_part_before_is_doubted_more() -> None:
    month = {"t_touching": 6.0, "d_touching": 0.1, "a_touching": 0.1}
    before, after = weighed(**month, followed=1), weighed(**month, touching=1)
    assert before.chance[0] > after.chance[0] > 0.1
    assert before.yuan[0] > after.yuan[0]


def test_evidence_of_two_kinds_is_more_than_of_one() -> None:
    one = weighed(rule_chance=0.3, rule_yuan=100)
    both = weighed(rule_chance=0.3, rule_yuan=100, z_lab=7, r_lab=1, lab=800)
    assert both.chance[0] > one.chance[0] + 0.1


def test_no_stay_that_is_not_longer_is_doubted_for_its_length() -> None:
    month = {"t_long": 9.0, "d_long": 0.4}
    assert weighed(**month, longer=-0.01).chance[0] < 0.02
    assert weighed(**month, longer=0.5).chance[0] > 0.3


def test_where_stays_differ_more_a_long_one_says_less() -> None:
    month = {"t_long": 6.0, "d_long": 0.15, "longer": 0.5}
    alike, varied = weighed(**month, stays_differ=0.3), weighed(**month, stays_differ=0.8)
    assert alike.chance[0] > 1.3 * varied.chance[0]


def test_a_complication_puts_at_least_its_usual_price_at_risk() -> None:
    coded = {"t_coded": 6.0, "d_coded": 0.3, "a_coded": 1.0, "is_severe": 1, "is_birth": 1}
    claim = weighed(**coded, z_n_lab=-1.5, severity_gap=0.2)
    assert kind_of(claim) == "severity"
    assert claim.yuan[0] == pytest.approx(4000 * (1 - np.exp(-0.2)), rel=1e-3)
