"""The benchmark's judge, on cases small enough to judge by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.audit import claim_judge
from bench.audit.labels import CLEAN, LOOK_ALIKE, TRACED, VIOLATION, WARMING
from bench.audit.series_judge import (
    Series,
    Unscored,
    alarms_by_look_alike,
    average_precision,
    bar_by_months,
    bar_by_onsets,
    caught_by_months,
    caught_by_onsets,
    read_series,
    recall_by_kind,
)

CLEAN_MONTHS = 400
"""Two false alarms are allowed, at five in a thousand."""


def series(
    clean: Sequence[float],
    event: Sequence[float],
    *,
    excess: Sequence[float] | None = None,
    alike: Sequence[float] = (),
) -> Series:
    """Hospital 0 is clean for 400 months, scored as told and then 0; hospital 1 has one event
    from its first month on; hospital 2 only looks so."""
    quiet = [*clean, *[0.0] * (CLEAN_MONTHS - len(clean))]
    lengths = (len(quiet), len(event), len(alike))
    hospital = np.repeat([0, 1, 2], lengths)
    return Series(
        hospital=hospital,
        month=np.concatenate([np.arange(n) for n in lengths]),
        score=np.array([*quiet, *event, *alike]),
        state=np.array([CLEAN, VIOLATION, LOOK_ALIKE])[hospital],
        event=np.array(["", "E1", ""])[hospital],
        kind=np.array(["", "step", "volume_jump"])[hospital],
        onset=np.array([-1, 0, -1])[hospital],
        excess=np.concatenate(
            [np.zeros(len(quiet)), excess or np.ones(len(event)), np.zeros(len(alike))]
        ),
    )


def test_the_bar_allows_two_false_months_of_four_hundred() -> None:
    some = series(clean=[9, 0, 8, 0, 7, 0, 6], event=[7.5, 6.5])
    assert bar_by_months(some) == 7
    assert caught_by_months(some).recall == 1  # 7.5 is above 7
    assert (
        caught_by_months(replace(some, score=np.minimum(some.score, 7))).recall == 0
    )  # a tie is none


def test_alarms_in_a_row_are_one_onset() -> None:
    some = series(clean=[9, 9, 8, 0, 7, 7, 0, 6], event=[0, 6.5, 6.5])
    assert bar_by_months(some) == 8  # of 9, 9, 8 the third is one too many
    assert bar_by_onsets(some) == 6  # 9-9-8 and 7-7 are two onsets; 6 would be a third
    assert caught_by_months(some).recall == 0
    assert caught_by_onsets(some).recall == 1


def test_an_alarm_that_never_ends_catches_nothing_by_onsets() -> None:
    """Hospital 0 is alarmed always, at the price of one onset, and its event lies at the end."""
    some = series(clean=[], event=[5, 5])
    state, event = some.state.copy(), some.event.copy()
    state[396:400], event[396:400] = VIOLATION, "E2"
    score = np.where(some.hospital == 0, 9.0, some.score)
    always = replace(some, state=state, event=event, score=score)
    by_onsets = caught_by_onsets(always)
    assert by_onsets.recall == 0.5  # E1 begins in its own right; E2 is inside the endless alarm
    assert caught_by_months(always).recall == 0  # by months 9 is everywhere: no bar below


def test_an_alarm_from_before_the_judged_months_is_no_free_pass() -> None:
    """Alarmed since its warm-up, a clean hospital costs one onset like any other."""
    some = series(clean=[9, 9, 9, 0, 8, 0, 7], event=[6])
    state = some.state.copy()
    state[0] = WARMING
    assert bar_by_onsets(replace(some, state=state)) == 8  # 399 months allow one
    assert caught_by_onsets(replace(some, state=state)).recall == 0


def test_a_gap_in_the_calendar_ends_a_run() -> None:
    some = series(clean=[9, 9], event=[0])
    month = some.month.copy()
    month[1:CLEAN_MONTHS] += 1
    allowed_one = replace(some, month=month, score=np.where(some.score == 0, -1, some.score))
    assert caught_by_onsets(allowed_one).false_alarms == 1000 * 2 / CLEAN_MONTHS


def test_another_hospitals_alarm_of_the_month_before_is_no_run() -> None:
    """Two hospitals of one month each, one after the other: two false onsets, one allowed."""
    some = series(clean=[], event=[5])
    hospital = some.hospital.copy()
    hospital[: CLEAN_MONTHS - 2], hospital[CLEAN_MONTHS - 2], hospital[CLEAN_MONTHS - 1 :] = 0, 1, 2
    state = some.state.copy()
    state[0] = WARMING
    score = some.score.copy()
    score[CLEAN_MONTHS - 3 : CLEAN_MONTHS - 1] = 9, 8
    assert bar_by_onsets(replace(some, hospital=hospital, state=state, score=score)) == 8


def test_early_is_within_three_months_and_money_counts_after_the_alarm() -> None:
    third = caught_by_months(series([], [0, 0, 1, 0], excess=[10, 20, 30, 40]))
    assert (third.recall, third.soon, third.stopped) == (1, 1, 0.4)
    fourth = caught_by_months(series([], [0, 0, 0, 1], excess=[10, 20, 30, 40]))
    assert (fourth.recall, fourth.soon, fourth.stopped) == (1, 0, 0)


def test_traces_and_warm_up_count_nowhere() -> None:
    some = series(clean=[1, 2], event=[3])
    state = some.state.copy()
    state[2], state[3] = WARMING, TRACED
    loud = replace(
        some, state=state, score=np.where(np.isin(state, [WARMING, TRACED]), 99, some.score)
    )
    assert average_precision(loud) == 1
    # one is allowed of 398, and it is the 2
    assert caught_by_months(loud).false_alarms == pytest.approx(1000 / 398)
    assert caught_by_months(loud).recall == 1


def test_average_precision_by_hand() -> None:
    """Ranked: event, clean, event: (1/1 + 2/3) / 2."""
    assert average_precision(series(clean=[8], event=[9, 7])) == pytest.approx((1 + 2 / 3) / 2)


def test_look_alikes_are_counted_by_kind() -> None:
    some = series([], [2], alike=[1, 0, 0, 3])
    assert caught_by_months(some).look_alikes == 500
    assert alarms_by_look_alike(some, 0) == {"volume_jump": (2, 4)}
    assert recall_by_kind(some, 0) == {"step": (1, 1)}


def _csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


LABELS = "hospital_id,month,state,event_id,kind,onset,amount_excess"
FLAGS = "hospital_id,month,score,channel"


@pytest.mark.parametrize("score", ["", "nan", "inf", "high"])
def test_a_month_without_a_finite_score_is_refused(tmp_path: Path, score: str) -> None:
    wrong = "H1,2024-02,violation,E1,step,2024-02,5.5"
    labels = _csv(tmp_path / "l.csv", LABELS, "H1,2024-01,clean,,,,0.0", wrong)
    good = _csv(tmp_path / "f.csv", FLAGS, "H1,2024-01,0.5,cost", "H1,2024-02,1.5,cost")
    assert read_series(labels, good).excess.tolist() == [0, 5.5]
    assert caught_by_months(read_series(labels, good)).recall == 1
    bad = _csv(tmp_path / "g.csv", FLAGS, "H1,2024-01,0.5,cost", f"H1,2024-02,{score},cost")
    with pytest.raises(Unscored):
        read_series(labels, bad)
    with pytest.raises(Unscored):
        read_series(labels, _csv(tmp_path / "h.csv", FLAGS, "H1,2024-01,0.5,cost"))


def flags(*rows: tuple[str, float, str, str, float, str]) -> claim_judge.Flags:
    """(claim, score, rules, kind, excess, rival)"""
    claim, score, rules, kind, excess, rival = (np.array(c) for c in zip(*rows, strict=True))
    provable = (kind != "") & (kind != "step")
    return claim_judge.Flags(claim, score, rules, kind, excess, provable, rival)


def test_claims_are_ranked_without_rivals_and_what_is_only_of_a_series() -> None:
    some = flags(
        ("c1", 9, "", "", 0, ""),  # the rival of c2: counts nowhere
        ("c2", 8, "", "duplicate_claim", 100, "c1"),
        ("c3", 7, "", "step", 50, ""),  # only part of a dearer hospital
        ("c4", 6, "", "", 0, ""),
        ("c5", 5, "", "overcharge", 10, ""),
    )
    assert claim_judge.average_precision(some) == pytest.approx((1 + 2 / 3) / 2)
    assert claim_judge.average_precision(some, reviewed={"c4"}) == 1


def test_money_at_the_top_counts_half_a_percent() -> None:
    rows = [(f"c{n}", -float(n), "", "", 0.0, "") for n in range(400)]
    rows[0] = ("c0", 1.0, "", "overcharge", 30.0, "")
    rows[1] = ("c1", 0.9, "", "overcharge", 30.0, "")
    rows[2] = ("c2", 0.8, "", "overcharge", 40.0, "")
    assert claim_judge.money_at_the_top(flags(*rows)) == pytest.approx(0.6)  # two of 400 claims


def test_rules_are_right_on_either_claim_of_a_pair() -> None:
    some = flags(
        ("c1", 0, "repeated-claim", "", 0, ""),
        ("c2", 0, "", "duplicate_claim", 100, "c1"),
        ("c3", 0, "sex-of-person", "sex", 10, ""),
        ("c4", 0, "split-stay;sex-of-person", "", 0, ""),
        ("c5", 0, "", "sex", 10, ""),
    )
    found = claim_judge.of_rules(some)
    assert (found["duplicate_claim"].recall, found["duplicate_claim"].precision) == (1, 1)
    assert (found["sex"].recall, found["sex"].precision) == (0.5, 0.5)


def test_every_claim_must_be_scored(tmp_path: Path) -> None:
    claims = _csv(tmp_path / "c.csv", "claim_id,kind", "c1,delivery", "c2,delivery")
    labels = _csv(
        tmp_path / "l.csv", "claim_id,kind,excess_yuan,provable,partner_id", "c2,sex,5.0,1,"
    )
    header = "claim_id,score,amount_at_risk,rule_ids,reason"
    good = _csv(tmp_path / "f.csv", header, "c1,0.1,0,,", "c2,0.9,5.00,sex-of-person,x")
    assert claim_judge.average_precision(claim_judge.read_claims(claims, labels, good)) == 1
    with pytest.raises(Unscored):
        claim_judge.read_claims(claims, labels, _csv(tmp_path / "g.csv", header, "c1,0.1,0,,"))
    twice = _csv(tmp_path / "t.csv", header, "c1,0.1,0,,", "c1,0.1,0,,", "c2,0.9,5.00,,x")
    with pytest.raises(Unscored):
        claim_judge.read_claims(claims, labels, twice)


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    from bench.audit.generate import province, write

    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write(province(seed, hospitals=8, months=24, volume=0.1), tmp_path / name)
    texts = {name: (tmp_path / name / "CLAIMS.csv").read_bytes() for name in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]
    with (tmp_path / "a" / "CLAIMS.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            parts = sum(round(float(v) * 100) for k, v in row.items() if k.startswith("amt_"))
            assert parts == round(float(row["total_amount"]) * 100)
            assert row["month"] == row["discharge_date"][:7]
            assert 0 <= float(row["fund_amount"]) <= float(row["total_amount"])
