"""The benchmark from end to end on a small province, with a stand-in for the scorer."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from bench.audit import run
from bench.audit.__main__ import main
from bench.audit.causality import changed_by_the_future, cut, rows_changed
from bench.audit.claims import claims, joined
from bench.audit.generate import province, write
from bench.audit.plan import NUMBER
from bench.audit.reviews import write_reviews
from bench.audit.scoring_run import Scored
from bench.audit.violations import contradicted_by_nights
from bench.audit.world import A, V

Maker = Callable[[Path, Path], Scored]
SMALL = run.Setting(hospitals=12, months=26, volume=0.2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small province, with the labels beside the claims."""
    out = tmp_path_factory.mktemp("province")
    write(province(3, SMALL.hospitals, SMALL.months, SMALL.volume), out)
    return out


def all_knowing(claims: Path, out: Path, *options: str) -> Scored:
    """Scores read from the labels: whoever knows everything must be judged perfect."""
    out.mkdir(parents=True, exist_ok=True)
    labels = claims.parent
    series = """SELECT hospital_id, month, (state = 'violation')::INT AS score FROM labels"""
    single = """SELECT claim_id, coalesce(provable::INT + excess_yuan::DOUBLE / 1e7, 0) AS score,
            0 AS amount_at_risk, CASE kind WHEN 'sex' THEN 'sex-of-person'
            WHEN 'age' THEN 'age-of-person' WHEN 'overlap' THEN 'overlapping-stays'
            WHEN 'duplicate_claim' THEN 'repeated-claim' ELSE '' END AS rule_ids, '' AS reason
        FROM (SELECT claim_id FROM claims) LEFT JOIN wrong USING (claim_id)"""
    with duckdb.connect() as engine:
        for name, path in (
            ("claims", claims),
            ("labels", labels / "labels_series.csv"),
            ("wrong", labels / "labels_claims.csv"),
        ):
            engine.register(name, engine.read_csv(str(path), all_varchar=True))
        engine.sql(series).write_csv(str(out / "series_flags.csv"))
        engine.sql(single).write_csv(str(out / "claim_flags.csv"))
    return Scored(out, seconds=1.0, series_seconds=0.5, memory_mb=1.0, cpu_seconds=1.0)


def test_whoever_knows_everything_is_judged_perfect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "score", all_knowing)
    run.benchmark([3], SMALL, tmp_path, robust=False, keep=False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    value = {line["figure"]: line["value"] for line in lines}
    for name in ("recall_onsets", "recall_months", "precision", "claims", "claims_reviewed",
                 "claims_left_before_reviews", "rules_recall", "rules_precision"):  # fmt: skip
        assert value[f"P13.{name}"] == 1, name
    assert value["P13.look_alikes"] == value["P13.false_alarms_months"] == 0
    assert value["P13.year_on_year.precision"] < 1
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "event recall, counted by onsets | 1 |" in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "precision_recall.svg", "kinds.svg", "look_alikes.svg",
    }  # fmt: skip


def test_claims_are_labelled_as_they_are_written(folder: Path) -> None:
    """What is planted can be read off the file: sexes, ages, twins, overlapping stays."""
    with (folder / "CLAIMS.csv").open(encoding="utf-8") as file:
        claims = {row["claim_id"]: row for row in csv.DictReader(file)}
    with (folder / "labels_claims.csv").open(encoding="utf-8") as file:
        labels = {row["claim_id"]: row for row in csv.DictReader(file)}
    planted = Counter(row["kind"] for row in labels.values())
    assert {"sex", "age", "duplicate_claim", "overlap", "overcharge"} <= set(planted)
    for name, claim in claims.items():
        label = labels.get(name, {"kind": ""})
        male_birth = claim["sex"] == "M" and claim["case_type"] != "F"
        assert male_birth == (label["kind"] == "sex")
        assert (not 14 <= int(claim["age"]) <= 55) == (label["kind"] == "age")
        rival = claims.get(label.get("partner_id", ""))
        if rival and label["kind"] == "duplicate_claim":
            alike = {key for key in claim if claim[key] == rival[key]}
            assert alike >= set(claim) - {"claim_id"}
        if rival and label["kind"] == "overlap":
            assert claim["person_id"] == rival["person_id"]
            assert claim["admit_date"] < rival["discharge_date"]
            assert rival["admit_date"] < claim["discharge_date"]


@pytest.mark.parametrize(
    ("nights_added", "begins", "contradicts"),
    [(2, 5, True), (2, 6, False), (2, 4, True), (0, 4, False), (0, 3, False)],
)
def test_a_stay_made_longer_contradicts_the_next_one_that_it_reaches_into(
    nights_added: int, begins: int, contradicts: bool
) -> None:
    """She lay there for four days, from day 0 on; whatever follows is of another hospital."""
    before = claims(1, 10, person=7, hospital=1, case=A, discharged=4 + nights_added,
                    stay=4 + nights_added, true_stay=4)  # fmt: skip
    birth = claims(1, 20, person=7, hospital=2, case=V, discharged=begins + 3, stay=3)
    somebody = claims(1, 30, person=8, hospital=2, case=V, discharged=8, stay=4)
    found = contradicted_by_nights(joined([birth, before, somebody]))
    assert found.partner.tolist() == [-1, 20 if contradicts else -1, -1]


def test_who_lay_elsewhere_meanwhile_is_in_the_labels() -> None:
    """Of this seed one stay was made longer into the next one of hers."""
    made = province(1, SMALL.hospitals, SMALL.months, SMALL.volume).claims
    [longer] = np.flatnonzero((made.kind == NUMBER["stay_inflation"]) & (made.partner >= 0))
    [following] = np.flatnonzero(made.row == made.partner[longer])
    assert made.person[longer] == made.person[following]
    assert made.admitted[longer] < made.admitted[following] < made.discharged[longer]


def test_reviews_say_what_is_so_with_some_mistakes(folder: Path, tmp_path: Path) -> None:
    flags = all_knowing(folder / "CLAIMS.csv", tmp_path).claims
    assert write_reviews(folder, flags, count=600, seed=1) == 600
    with (folder / "reviews.csv").open(encoding="utf-8") as file:
        reviews = list(csv.DictReader(file))
    outcomes = Counter(row["outcome"] for row in reviews)
    assert set(outcomes) == {"confirmed", "explained", "data error", "unclear"}
    assert len({row["claim_id"] for row in reviews}) == 600
    days = [row["reviewed_on"] for row in reviews]
    assert days == sorted(days)
    with (folder / "CLAIMS.csv").open(encoding="utf-8") as file:
        discharged = {row["claim_id"]: row["discharge_date"] for row in csv.DictReader(file)}
    assert all(row["reviewed_on"] > discharged[row["claim_id"]] for row in reviews)
    (folder / "reviews.csv").unlink()


def test_too_small_a_province_to_review_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(province(3, 4, 20, 0.02), tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.audit", "reviews", str(tmp_path)])
    assert main() == 2
    said = capsys.readouterr()
    assert said.err.startswith("not reviewed: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not (tmp_path / "reviews.csv").exists()


def test_of_a_province_too_small_to_review_the_other_figures_are_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "score", all_knowing)
    tiny = run.Setting(hospitals=6, months=26, volume=0.05)
    run.benchmark([1], tiny, tmp_path, robust=False, keep=False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    value = {line["figure"]: line["value"] for line in lines}
    assert value["P13.claims"] == 1
    assert value["P13.claims_reviewed"] is None


def looking(ahead: int, claims: Path, out: Path) -> Path:
    """A scorer that counts claims of this month and of `ahead` later ones."""
    with claims.open(encoding="utf-8") as file:
        count = Counter((row["hospital_id"], row["month"]) for row in csv.DictReader(file))
    months = sorted({month for _, month in count})
    out.mkdir(parents=True, exist_ok=True)
    path = out / "series_flags.csv"
    rows = [
        f"{hospital},{month},"
        f"{sum(count[hospital, m] for m in months[months.index(month) :][: ahead + 1])}"
        for hospital, month in sorted(count)
    ]
    path.write_text("\n".join(["hospital_id,month,score", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("ahead", "changed"), [(0, 0), (1, 1), (2, 2)])
def test_a_scorer_that_looks_ahead_is_seen(
    folder: Path, tmp_path: Path, ahead: int, changed: int
) -> None:
    claims = folder / "CLAIMS.csv"
    with (folder / "labels_series.csv").open(encoding="utf-8") as file:
        months = sorted({row["month"] for row in csv.DictReader(file)})
    last = months[len(months) // 2]
    cut(claims, last, tmp_path / "part")
    whole = looking(ahead, claims, tmp_path / "whole")
    part = looking(ahead, tmp_path / "part" / "CLAIMS.csv", tmp_path / "part_scored")
    found = changed_by_the_future(whole, part)
    assert len(found) == changed
    if changed:
        assert max(found) == last


def test_flags_that_know_the_future_are_seen(tmp_path: Path) -> None:
    head = "claim_id,score,amount_at_risk,rule_ids,reason\n"
    written = {
        "part": "A,0.5,10.00,,x\nB,0.7,1.00,split-stay,x\nC,0.1,0.00,,x\n",
        "same": "A,0.5000000001,10.00,,y\nB,0.7,1.00,split-stay,x\nC,0.1,0.00,,x\nD,1,1.00,,x\n",
        "later": "A,0.6,10.00,,x\nB,0.7,1.00,duplicate-claim,x\n",
    }
    path = {name: tmp_path / f"{name}.csv" for name in written}
    for name, rows in written.items():
        path[name].write_text(head + rows, encoding="utf-8")
    assert rows_changed(path["same"], path["part"], "claims") == {}
    assert rows_changed(path["later"], path["part"], "claims") == {
        "missing": 1, "score": 2, "amount_at_risk": 1, "rule_ids": 1,
    }  # fmt: skip
