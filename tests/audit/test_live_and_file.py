"""One code for both: what the service says of the claims it holds is what the command says of the
same claims in a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pytest

from bench.audit.run import Setting
from services.audit.domain.claim_score import ClaimScore
from services.audit.domain.rule import Mode, read_rules
from services.audit.scoring.claim_flags_file import LOT_OF_A_FILE
from services.audit.scoring.claims_file import AMOUNTS, COLUMNS
from services.audit.scoring.growth import Growth, growth_of
from services.audit.scoring.live_claims import FORM, held
from services.audit.scoring.live_scores import Ask, live_scores
from services.audit.scoring.score_file import score_file

Row = Mapping[str, str]
DAY = date(2030, 1, 1)
"""When every rule that ships is in force."""


@dataclass(frozen=True)
class Both:
    """What was written for the file, and what the service makes of the same rows."""

    months: list[Row]
    flags: dict[str, Row]
    lot: set[str]
    growth: Growth
    scores: list[ClaimScore]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """A small province, scored in both ways."""
    folder = tmp_path_factory.mktemp("province")
    Setting(hospitals=12, months=26, volume=0.1).write(7, folder)
    rows = _read(folder / "CLAIMS.csv")
    for row in rows:
        row["claim_id"] = str(uuid5(NAMESPACE_URL, row["claim_id"]))
    alone = folder / "alone"  # no price notices beside it: the service is told of none either
    alone.mkdir()
    with (alone / "CLAIMS.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    score_file(alone / "CLAIMS.csv", folder / "out", DAY)
    live = pa.Table.from_pylist([_typed(row) for row in rows], FORM)
    ask = Ask("320100", DAY, {}, LOT_OF_A_FILE, flagged=[row["claim_id"] for row in rows])
    with ExitStack() as open_:
        growth = growth_of(open_.enter_context(held(live)), "320100")
        scores, _ = live_scores(open_.enter_context(held(live)), read_rules(), ask)
    queue = _read(folder / "out" / "queue.csv")
    return Both(
        months=list(_read(folder / "out" / "series_flags.csv")),
        flags={row["claim_id"]: row for row in _read(folder / "out" / "claim_flags.csv")},
        lot={row["claim_id"] for row in queue if row["picked_by"] == "random"},
        growth=growth,
        scores=scores,
    )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _typed(row: Row) -> dict[str, Any]:
    """As the store gives a claim: amounts in fen, days as days."""

    def value(name: str, kind: str) -> Any:
        text = row[name]
        if name in AMOUNTS:
            return int(Decimal(text) * 100)
        if text == "":
            return None if kind != "VARCHAR" else ""
        return {"DATE": date.fromisoformat, "VARCHAR": str}.get(kind, int)(text)

    return {name: value(name, kind) for name, kind in COLUMNS.items()}


def test_months_are_scored_alike(both: Both) -> None:
    live = {(one.institution_code, one.month): one for one in both.growth.months}
    assert len(live) == len(both.months) > 200
    for row in both.months:
        one = live[row["hospital_id"], row["month"]]
        assert float(one.score) == pytest.approx(float(row["score"]), abs=1e-3)
        assert one.loudest is None or (one.loudest.channel, one.loudest.cases) == (
            row["channel"], int(row["n"]),
        )  # fmt: skip
    assert any(one.loudest for one in both.growth.months)


def test_claims_are_scored_alike(both: Both) -> None:
    """A rule that ships in shadow has its say in a file, which nobody is accused by, and none in
    the service: the claims that one of those hits are left out."""
    quiet = {rule.id for rule in read_rules().newest().rules if rule.mode is not Mode.LIVE}
    compared = wrong = 0
    for one in both.scores:
        row = both.flags[str(one.claim_id)]
        if quiet & set(row["rule_ids"].split(";")):
            continue
        compared += 1
        wrong += one.chance > Decimal("0.5")
        assert one.at_risk.to_wire() == row["amount_at_risk"]
        # The service keeps chances with four decimals, and sums in whole fen.
        root = max(float(row["amount_at_risk"]), 1.0) ** 0.5
        assert float(one.chance) * root == pytest.approx(
            float(row["score"]), abs=1e-4 * root, rel=1e-2
        )
    assert len(both.scores) == len(both.flags)
    assert compared > 0.9 * len(both.flags)
    assert wrong


def test_the_lot_falls_on_the_same_claims_under_one_key(both: Both) -> None:
    assert {str(one.claim_id) for one in both.scores if one.drawn} == both.lot
