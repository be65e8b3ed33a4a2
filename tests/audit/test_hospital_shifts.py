"""What hospitals' months moved: small hospitals, whose few births say little of any rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.audit.scoring.claims_file import read_claims
from services.audit.scoring.features import claim_features
from services.audit.scoring.hospital_shifts import (
    BIRTH_RATES,
    births_by_hospital,
    in_rows,
    shifts,
)
from tests.audit.claims_csv import Row, rows, write

SMALL, LARGE, MONTHS, SINCE = "h01", "h02", 14, 10
Table = dict[tuple[str, int], Row]


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Table, Table]]:
    """The months of hospitals, and how their share of cesareans moved. The small one has two births
    a month, vaginal until they are all cesarean; the large one's become more as well, and once one
    of its births is all that is known of a woman."""
    path = tmp_path_factory.mktemp("claims") / "CLAIMS.csv"
    write(path, (row for row in rows(8, MONTHS, 15, _changed) if row))
    with read_claims(path) as history:
        births = births_by_hospital(claim_features(history.claims))
        moved = shifts(in_rows(births, BIRTH_RATES))
        yield _by_month(births), _by_month(moved.filter(moved.measure == "caesarean"))


def _changed(row: Row, hospital: int, month: int) -> Row:
    unknown = hospital == 2 and month == SINCE and row["claim_id"].endswith("1")
    if not unknown:
        row |= {"person_id": f"of{hospital}"}
    if row["hospital_id"] == SMALL:
        few = int(row["claim_id"][1:]) % 60 in (1, 2)
        return row | {"case_type": "C" if month >= SINCE else "V"} if few else {}
    if row["hospital_id"] == LARGE and month >= SINCE and row["case_type"] == "V":
        return row | {"case_type": "C" if int(row["claim_id"][1:]) % 4 else "V"}
    return row


def _by_month(table: Any) -> Table:
    found = table.to_pyarrow().to_pylist()
    first = min(row["at"] for row in found)
    return {(row["hospital_id"], row["at"] - first): row for row in found}


def test_births_of_one_kind_differ_no_less_than_births_do(months: tuple[Table, Table]) -> None:
    births, _ = months
    of_it = [births[SMALL, month] for month in range(MONTHS)]
    assert {row["n"] for row in of_it} == {2}
    others = [row["v_caesarean"] for (_, month), row in births.items() if month == 0]
    assert min(row["v_caesarean"] for row in of_it) > 0.8 * max(others)


def test_one_that_is_rare_elsewhere_is_no_rarity_where_it_is(months: tuple[Table, Table]) -> None:
    """A share takes its own month's variance where that is the greater."""
    births, _ = months
    row = births[LARGE, SINCE]
    share = row["a_unprepared"]
    assert 0 < share < 0.2
    assert row["v_unprepared"] == pytest.approx(share * (1 - share))


def test_few_births_move_a_share_less_than_many(months: tuple[Table, Table]) -> None:
    """All of two births a month, against most of fifteen: as far as each is surer than chance."""
    _, moved = months
    of_few = [row["t"] for (hospital, _), row in moved.items() if hospital == SMALL]
    assert max(t for t in of_few if t is not None) < moved[LARGE, SINCE]["t"]
