"""Which claims an alarm rests on: of each channel those that its own measure sets apart."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.audit.domain.series import Contributor
from services.audit.scoring.claims_file import AMOUNTS, read_claims
from services.audit.scoring.contributors import Alarm, contributors
from services.audit.scoring.features import claim_features
from services.audit.scoring.series import CHANNELS
from tests.audit.claims_csv import Row, rows, write

JUNE = 2022 * 12 + 5
PLAIN = {"V": 4000, "C": 6000, "P": 250}


def plain(row: Row) -> Row:
    """Every bill of a kind alike: whatever differs was planted."""
    total = PLAIN[row["case_type"]]
    day = row["discharge_date"].replace(day=10)
    los = 0 if row["case_type"] == "P" else 3
    return row | dict.fromkeys(AMOUNTS, round(total / 10, 2)) | {
        "total_amount": total, "fund_amount": total * 0.8, "severity": 1, "los": los, "n_us": 1,
        "n_lab": 4, "discharge_date": day, "admit_date": day - timedelta(days=los),
    }  # fmt: skip


def planted() -> list[Row]:
    """Eighteen months of one hospital; June 2022 holds one claim for each channel."""
    made = [plain(row) for row in rows(1, 18, 4)]
    june = [row for row in made if row["month"] == "2022-06"]
    births = iter([row for row in june if row["case_type"] == "V"])
    visits = iter([row for row in june if row["case_type"] == "P"])
    cesareans = iter([row for row in june if row["case_type"] == "C"])

    def mark(name: str, row: Row, **changed: Any) -> None:
        row.update(changed | {"claim_id": name})

    mark("dear", next(births), total_amount=9000.0, fund_amount=7200.0)
    mark("long", next(births), los=12, admit_date=date(2022, 5, 29))
    mark("severe", next(births), severity=3, total_amount=5000.0, fund_amount=4000.0)
    mark("tested", next(births), amt_lab=1500.0)
    mark("supplied", next(births), amt_drug=1500.0)
    mark("own", next(births), fund_amount=1000.0)
    mark("late", next(births), discharge_date=date(2022, 6, 29), admit_date=date(2022, 6, 26))
    mark("bare", next(cesareans), amt_anesthesia=0.0, total_amount=7000.0, fund_amount=5600.0)
    mark("cut", next(cesareans), severity=1, total_amount=6500.0, fund_amount=5200.0)
    mark("hard", next(cesareans), severity=4, total_amount=9500.0, fund_amount=7600.0)
    mark("scanned", next(visits), n_us=9)
    mark("tests", next(visits), n_lab=30)
    mark("visit", next(visits), total_amount=900.0, fund_amount=720.0)
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Contributor, ...]]:
    """What each channel names for June 2022; `before` is the cost of the month before."""
    folder = tmp_path_factory.mktemp("claims")
    alarms = [Alarm("h00", channel, JUNE, JUNE) for channel in CHANNELS]
    alarms.append(Alarm("h00", "cost", JUNE - 1, JUNE - 1))
    with read_claims(write(folder / "CLAIMS.csv", iter(planted()))) as history:
        named = contributors(claim_features(history.claims), alarms)
    return dict(zip((*CHANNELS, "before"), named, strict=True))


@pytest.mark.parametrize(
    ("channel", "claim", "yuan"),
    [
        ("cost", "dear", 5000), ("stay", "long", None), ("severity", "hard", 3500),
        ("tests_share", "tested", 1100), ("supplies_share", "supplied", 1100),
        ("own_share", "own", 2200), ("unprepared_late", "late", 4000), ("scans", "scanned", None),
        ("lab", "tests", None), ("visit_cost", "visit", 650), ("bare", "bare", 3000),
        ("caesarean", "bare", 3000),
    ],
)  # fmt: skip
def test_each_channel_names_what_its_own_measure_sets_apart(
    found: dict[str, tuple[Contributor, ...]], channel: str, claim: str, yuan: int | None
) -> None:
    first = found[channel][0]
    assert first.claim_id == claim
    if yuan is not None:
        assert first.excess.fen == yuan * 100


def test_three_at_most_and_nothing_where_nothing_stands_out(
    found: dict[str, tuple[Contributor, ...]],
) -> None:
    assert {len(named) for named in found.values()} <= {0, 1, 2, 3}
    assert found["before"] == ()
    assert found["touching"] == ()
    of_severity = [one.claim_id for one in found["severity"]]
    assert of_severity == ["hard", "severe"]
    # Of the cesareans those come first that no complication explains.
    of_mode = [one.claim_id for one in found["caesarean"]]
    assert of_mode[:2] == ["bare", "cut"]
    assert len(of_mode) == 3
    assert "hard" not in of_mode


def test_no_alarm_no_claim(tmp_path: Path) -> None:
    with read_claims(write(tmp_path / "CLAIMS.csv", rows(1, 2, 1))) as history:
        assert contributors(claim_features(history.claims), []) == []
