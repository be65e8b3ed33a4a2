"""Hospital-months: growth without reason is found, what others share or a notice says is not."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.audit.scoring.baselines import NewPast, read_new_pasts
from services.audit.scoring.claims_file import BadFile, read_claims
from services.audit.scoring.features import claim_features
from services.audit.scoring.hospital_scores import Scored, scores_of
from services.audit.scoring.panel import Array, Panel, panel_of
from services.audit.scoring.peers import median_of_others, region_median
from services.audit.scoring.price_notices import PriceStep
from services.audit.scoring.score_file import score_file
from services.audit.scoring.series import CHANNELS, Series, series_of
from services.audit.scoring.told import told_of
from tests.audit.claims_csv import Change, Row, dearer, rows, write

HOSPITALS, MONTHS, BIRTHS, SINCE = 12, 24, 15, 18
ALARM = 4.0


def panel(
    folder: Path,
    change: Change | None = None,
    steps: Sequence[PriceStep] = (),
    hospitals: int = HOSPITALS,
    births: int = BIRTHS,
) -> Panel:
    path = write(folder / "CLAIMS.csv", rows(hospitals, MONTHS, births, change))
    with read_claims(path) as history:
        return panel_of(claim_features(history.claims), steps)


def scored(some: Panel) -> Scored:
    return scores_of(series_of(some))


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """One hospital of twelve grows a fifth dearer; the other months are quiet."""
    return panel(tmp_path_factory.mktemp("claims"), dearer(5, SINCE, 1.2))


def test_no_share_is_expected_below_nothing(drifting: Panel) -> None:
    series = series_of(drifting)
    found, channel = scored(drifting), CHANNELS.index("own_share")
    for of_it, value in ((found.channel, channel), (found.gain, 2.0)):
        of_it[5, SINCE + 1] = value
    told = told_of(drifting, series, found, 5, SINCE + 1)
    assert told.loud is not None
    assert told.loud.expected == 0.0
    assert "-" not in told.en.partition("against ")[2].partition(" peers")[0].rpartition(";")[0]


def test_a_hospital_that_grows_alone_is_found(drifting: Panel) -> None:
    found = scored(drifting)
    assert found.score[5, SINCE + 1] > ALARM
    assert CHANNELS[found.channel[5, SINCE + 1]] in ("cost", "visit_cost")
    others = np.delete(found.score, 5, axis=0)
    assert (others > ALARM).mean() < 0.01


def test_a_hospital_that_is_new_is_told_to_have_no_past(tmp_path: Path) -> None:
    born = 10
    some = rows(HOSPITALS, MONTHS, 5)
    path = write(
        tmp_path / "CLAIMS.csv",
        (row for row in some if row["hospital_id"] != "h05" or row["month"] >= f"2021-{born + 1}"),
    )
    with read_claims(path) as history:
        found = panel_of(claim_features(history.claims), [])
    series, new = series_of(found), found.hospitals.index("h05")
    scores = scores_of(series)
    assert (scores.channel[new, born : born + 6] == -1).all()
    assert np.nanmax(scores.error[new]) < 1
    for month in range(born, MONTHS):
        assert told_of(found, series, scores, new, month).zh


def test_what_comes_later_changes_no_score(drifting: Panel) -> None:
    assert largest_change(drifting, series_of) < 1e-9


def test_a_look_ahead_of_one_month_is_seen(drifting: Panel) -> None:
    def looking_ahead(some: Panel) -> Series:
        series = series_of(some)
        value = series.value.copy()
        value[..., :-1] = (value[..., :-1] + value[..., 1:]) / 2
        return replace(series, value=value)

    assert largest_change(drifting, looking_ahead) > 0.1


def largest_change(some: Panel, of: object) -> float:
    """Between the scores of all months, and of the same months with nothing known after them."""
    assert callable(of)
    whole = scores_of(of(some)).score
    changes = [
        np.abs(scores_of(of(some.until(t))).score - whole[:, : t + 1]).max()
        for t in (9, SINCE, SINCE + 1, MONTHS - 2)
    ]
    return float(max(changes))


def test_a_file_cut_at_a_month_scores_the_same(tmp_path: Path) -> None:
    change = dearer(1, 12, 1.3)
    whole = list(rows(4, 16, 6, change))
    cut = [row for row in whole if row["month"] <= "2022-02"]
    scores = []
    for name, some in (("whole", whole), ("cut", cut)):
        folder = tmp_path / name
        folder.mkdir()
        score_file(write(folder / "CLAIMS.csv", iter(some)), folder)
        with (folder / "series_flags.csv").open(encoding="utf-8") as file:
            scores.append({(r["hospital_id"], r["month"]): r for r in csv.DictReader(file)})
    early, late = scores[1], scores[0]
    assert len(early) == 4 * 14
    assert all(late[key]["score"] == row["score"] for key, row in early.items())
    assert any(row["score"] != "0" for row in early.values())


def test_what_all_hospitals_do_is_nobodys_growth(tmp_path: Path) -> None:
    def everybody(row: Row, hospital: int, month: int) -> Row:
        return dearer(hospital, SINCE, 1.2)(row, hospital, month)

    assert (scored(panel(tmp_path, everybody)).score[:, SINCE:] > ALARM).mean() < 0.02


SEASON = {1: 0.8, 10: 1.3, 11: 1.3}
"""What a month of the year does to bills: the dip of the Spring Festival, and a dear end."""


def seasonal(levels: int) -> Change:
    """Bills with a season, in the first so many of the three levels."""

    def change(row: Row, hospital: int, month: int) -> Row:
        if hospital % 3 >= levels:
            return row
        return dearer(hospital, month, SEASON.get(month % 12, 1.0))(row, hospital, month)

    return change


@pytest.mark.parametrize(("hospitals", "levels"), [(12, 3), (27, 1)])
def test_a_season_that_enough_peers_share_is_nobodys_growth(
    tmp_path: Path, hospitals: int, levels: int
) -> None:
    """All have it, or those of one level, of which each has eight others."""
    found = scored(panel(tmp_path, seasonal(levels), hospitals=hospitals)).score
    assert found[:, -2:].max() < ALARM
    assert found[::3, 12:].max() < ALARM


@pytest.mark.parametrize(("hospitals", "levels"), [(12, 1), (1, 3)])
def test_a_season_without_enough_peers_stays_in(
    tmp_path: Path, hospitals: int, levels: int
) -> None:
    """Four of a level beside eight that have no season, or one alone: nobody tells it from
    growth."""
    found = scored(panel(tmp_path, seasonal(levels), hospitals=hospitals)).score
    assert (found[::3, -2:] > ALARM).mean() > 0.8


def test_a_price_notice_is_no_growth(tmp_path: Path) -> None:
    def in_region(row: Row, hospital: int, month: int) -> Row:
        return dearer(hospital, SINCE, 1.2)(row, hospital, month) if hospital == 8 else row

    # h08 is put into a region of its own: nobody near it tells that prices moved
    def alone(row: Row, hospital: int, month: int) -> Row:
        return in_region(row, hospital, month) | ({"region": "r9"} if hospital == 8 else {})

    without = scored(panel(tmp_path, alone))
    step = PriceStep("r9", 2021 * 12 + SINCE, float(np.log(1.2)))
    with_notice = scored(panel(tmp_path, alone, [step]))
    assert without.score[8, SINCE + 2] > ALARM
    assert with_notice.score[8, SINCE + 2] < ALARM


def test_a_new_past_is_what_later_months_are_compared_with(drifting: Panel) -> None:
    channels = [CHANNELS.index(name) for name in ("cost", "visit_cost")]
    anew = [
        NewPast(drifting.hospitals[5], name, drifting.first + SINCE)
        for name in ("cost", "visit_cost", "no-such-channel")
    ]
    usual = scored(drifting)
    found = scores_of(series_of(drifting, anew))
    assert np.nanmax(usual.z[channels, 5, SINCE:]) > ALARM
    # unknown for half a year, then no news: the explained level is the past
    later = found.z[channels, 5, SINCE:]
    assert np.isneginf(later).all()
    # what lay before, what other channels say, and other hospitals are as they were
    assert np.array_equal(usual.z[..., :SINCE], found.z[..., :SINCE], equal_nan=True)
    rest = [c for c in range(len(CHANNELS)) if c not in channels]
    assert np.isfinite(found.z[rest, 5, SINCE:]).any()


def test_growth_after_a_new_past_is_found_again(tmp_path: Path) -> None:
    def twice(row: Row, hospital: int, month: int) -> Row:
        row = dearer(5, 9, 1.3)(row, hospital, month)
        return dearer(5, 20, 1.4)(row, hospital, month)

    some = panel(tmp_path, twice)
    anew = [NewPast(some.hospitals[5], name, some.first + 9) for name in ("cost", "visit_cost")]
    found = scores_of(series_of(some, anew))
    cost = CHANNELS.index("cost")
    assert np.isneginf(found.z[cost, 5, 9:15]).all()
    assert np.nanmax(found.z[cost, 5, 15:20]) < ALARM
    assert np.nanmax(found.z[cost, 5, 20:]) > ALARM


def test_a_file_of_new_pasts_is_read_and_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "baselines.csv"
    assert read_new_pasts(path) == []
    path.write_text("hospital_id,channel,since\nh05,cost,2022-07\n", encoding="utf-8")
    assert read_new_pasts(path) == [NewPast("h05", "cost", 2022 * 12 + 6)]
    path.write_text("hospital_id,channel,since\nh05,cost,July\n", encoding="utf-8")
    with pytest.raises(BadFile, match="line 2: column since"):
        read_new_pasts(path)
    path.write_text("hospital_id,channel\n", encoding="utf-8")
    with pytest.raises(BadFile, match="missing column since"):
        read_new_pasts(path)


def test_nobody_is_his_own_peer() -> None:
    values = np.array([[1.0], [2.0], [9.0]])
    assert median_of_others(values).ravel().tolist() == [5.5, 5.0, 1.5]
    assert np.isnan(median_of_others(values[:1])).all()
    assert region_median(np.array([[0.3], [0.1]]), np.array([0, 1])).ravel().tolist() == [0, 0]


def test_one_alone_in_its_level_and_region_is_found(one_alone: Panel) -> None:
    assert growth_of_one_alone(one_alone, series_of) > ALARM


def test_a_peer_group_of_one_is_seen(one_alone: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def each_his_own_peer(value: Array, level: np.ndarray) -> Array:
        groups = [level == one for one in level]
        return np.stack([np.median(value[group], axis=0) for group in groups])

    def in_a_group_of_one(some: Panel) -> Series:
        with monkeypatch.context() as planted:
            planted.setattr("services.audit.scoring.series.peer_median", each_his_own_peer)
            return series_of(some)

    assert growth_of_one_alone(one_alone, in_a_group_of_one) < 1


@pytest.fixture(scope="module")
def one_alone(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """The one hospital of its level and region grows dearer: a peer group of one would subtract
    that growth from itself."""

    def alone(row: Row, hospital: int, month: int) -> Row:
        row = dearer(5, SINCE, 1.3)(row, hospital, month)
        return row | ({"region": "r9", "level": 1} if hospital == 5 else {"level": 3})

    return panel(tmp_path_factory.mktemp("claims"), alone)


def growth_of_one_alone(some: Panel, of: Callable[[Panel], Series]) -> float:
    return float(scores_of(of(some)).score[5, SINCE + 1])


def test_few_cases_raise_no_alarm(tmp_path: Path) -> None:
    def small(row: Row, hospital: int, month: int) -> Row:
        row = dearer(5, SINCE, 3.0)(row, hospital, month)
        if hospital == 5 and int(row["claim_id"][1:]) % (4 * BIRTHS) != 1:
            row |= {"hospital_id": "h00"}
        return row

    some = panel(tmp_path, small)
    assert some.claims[5].max() <= 2
    assert scored(some).score[5].max() == 0


def test_one_huge_case_raises_no_alarm(tmp_path: Path) -> None:
    def huge(row: Row, hospital: int, month: int) -> Row:
        if hospital == 5 and month == SINCE and row["case_type"] == "V" and not seen:
            seen.append(row["claim_id"])
            row |= {"total_amount": row["total_amount"] * 60, "los": 70, "severity": 4}
        return row

    seen: list[str] = []
    assert scored(panel(tmp_path, huge)).score[5, SINCE] < ALARM
    assert seen


def test_the_first_case_of_a_kind_is_not_all_that_a_month_tells(tmp_path: Path) -> None:
    """Of one surgery a hospital nothing says how surgeries spread; none is known exactly."""

    def first_surgery(row: Row, hospital: int, month: int) -> Row:
        if month == 3 and row["case_type"] == "V" and (hospital, month) not in seen:
            seen.add((hospital, month))
            row |= dearer(hospital, month, 0.2)(row, hospital, month)
            row |= {"case_type": "F", "kind": "fp_surgery", "los": 1}
        return row

    seen: set[tuple[int, int]] = set()
    series = series_of(panel(tmp_path, first_surgery))
    cost = CHANNELS.index("cost")
    assert len(seen) == HOSPITALS
    assert np.abs(np.diff(series.value[cost, :, 2:4])).max() < 0.15
    error = np.sqrt(series.variance[cost])
    assert error[:, 3].min() > 0.9 * error[:, 2].min()


def test_other_kinds_of_case_are_no_growth(tmp_path: Path) -> None:
    """A hospital that knows nothing of cesareans has them at the difference that others have."""

    def only_cesareans(row: Row, hospital: int, month: int) -> Row:
        wanted = "C" if month >= SINCE else "V"
        if hospital == 5 and row["case_type"] not in (wanted, "P"):
            row |= {"hospital_id": "h00"}
        return row

    series = series_of(panel(tmp_path, only_cesareans))
    of_it = series.own[CHANNELS.index("cost"), 5]
    assert abs(of_it[SINCE : SINCE + 3].mean() - of_it[6:SINCE].mean()) < 0.1


def test_what_serves_loads_no_statistics() -> None:
    code = (
        "import sys, services.audit.__main__ as m\n"
        "heavy = {'numpy', 'duckdb', 'ibis', 'sklearn', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "scoring = [n for n in sys.modules if n.startswith('services.audit.scoring')]\n"
        "assert not heavy and not scoring, (heavy, scoring)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
