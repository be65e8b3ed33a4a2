"""Two models score; which of them counts is said by a person, or stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import numpy as np
import pytest
from ibis.expr import types as ir

from services.audit.scoring.claim_table import COLUMNS
from services.audit.scoring.models import NoSuchChampion, compared, learned
from services.audit.scoring.ranker import Outcome
from services.audit.scoring.reviews_file import Review

DAY = date(2024, 1, 1)
N = 3_600


@pytest.fixture(scope="module")
def table() -> ir.Table:
    draw = np.random.default_rng(3)
    columns = {name: np.zeros(N, dtype=np.float32) for name in COLUMNS}
    columns["z_lab"] = draw.normal(size=N).astype(np.float32)
    columns["total"] = np.full(N, 5000, dtype=np.float32)
    columns["at"] = np.repeat(np.arange(24), N // 24)
    names = {
        "claim_id": [f"C{n:04d}" for n in range(N)],
        "hospital_id": [f"H{n % 12:02d}" for n in range(N)],
    }
    return ibis.memtable(names | columns)


@pytest.fixture(scope="module")
def reviews(table: ir.Table) -> Mapping[str, Review]:
    """What evidence does not see by itself: a claim is wrong where its laboratory bill is high."""
    seen = table.select("claim_id", "z_lab").limit(3_300).to_pyarrow().to_pylist()
    outcomes = {True: Outcome.CONFIRMED, False: Outcome.EXPLAINED}
    return {
        row["claim_id"]: Review(row["claim_id"], outcomes[row["z_lab"] > 1], date(2023, 6, 1))
        for row in seen
    }


def test_the_ranker_counts_once_it_has_learned_and_evidence_is_compared(
    table: ir.Table, reviews: Mapping[str, Review]
) -> None:
    models = learned(table, reviews, DAY, None)
    assert models.champion_version.startswith("ranker-")
    assert models.challenger_version == "evidence-3"
    told = compared(models)
    assert told is not None
    precision = told["average_precision"]
    assert precision[models.champion_version] > 0.9


def test_a_person_keeps_evidence_and_the_ranker_becomes_the_challenger(
    table: ir.Table, reviews: Mapping[str, Review]
) -> None:
    models = learned(table, reviews, DAY, "evidence")
    assert models.champion_version == "evidence-3"
    assert (models.challenger_version or "").startswith("ranker-")
    by_evidence = np.array([0.25])
    assert models.chances(lambda: np.zeros((1, 1), dtype=np.float32), by_evidence) is by_evidence


def test_no_champion_without_reviews_or_with_those_of_tomorrow_alone(
    table: ir.Table, reviews: Mapping[str, Review]
) -> None:
    early = date(2023, 6, 1)
    assert learned(table, reviews, early, None).champion_version == "evidence-3"
    with pytest.raises(NoSuchChampion, match="0 confirmed of 0"):
        learned(table, reviews, early, "ranker")
    with pytest.raises(NoSuchChampion, match="not one of"):
        learned(table, reviews, DAY, "best")
