"""What is written of single claims: claim_flags.csv, the queue, and what the scores rest on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from ibis import _
from ibis.expr import types as ir
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from services.audit.domain.rule import read_rules
from services.audit.scoring.claim_reason import facts, reason
from services.audit.scoring.claim_table import COLUMNS, FEATURE_VERSION, FEATURES, claim_table
from services.audit.scoring.claims_file import History
from services.audit.scoring.evidence import EVIDENCE_VERSION, Weighed, weigh
from services.audit.scoring.models import Models, Sample, compared, learned
from services.audit.scoring.queue_order import AT_RANDOM, CHANCE_DRAWN, TOP, drawn, order
from services.audit.scoring.reviews_file import Review
from services.audit.scoring.rule_hits import exclude_each_other, rule_hits
from services.audit.scoring.thresholds import LIKELY

_CHUNK = 200_000
# A file is scored without a service, which alone has a secret: the lot of a file is drawn under a
# key that everybody can read, so that whoever scores it again draws the same.
LOT_OF_A_FILE = b"lot of a file"
_PLAIN = arrow_csv.WriteOptions(quoting_style="needed")
FLAGS = pa.schema(
    [
        ("claim_id", pa.string()),
        ("score", pa.float64()),
        ("amount_at_risk", pa.decimal128(14, 2)),
        ("rule_ids", pa.string()),
        ("reason", pa.string()),
    ]
)
# Claims scored alike stand in one order, in whatever order they were read.
_BEST_FIRST = [("score", "descending"), ("claim_id", "ascending")]
QUEUE_COLUMNS = ("place", "claim_id", "picked_by", "chance_drawn")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some claims, in columns."""

    ids: pa.Array
    rule_ids: pa.Array
    at: NDArray[np.int64]
    lot: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float32]]

    def features(self) -> NDArray[np.float32]:
        """What a ranker looks at."""
        return np.column_stack([self.columns[name] for name in FEATURES])


def write_claim_flags(
    history: History,
    features: ir.Table,
    reviews: Mapping[str, Review],
    out: Path,
    scored_on: date | None = None,
    champion: str | None = None,
    tell: Callable[[int, int], None] = lambda done, claims: None,
) -> None:
    """Score every claim into `claim_flags.csv`; `queue.csv` has those to look at first and those
    drawn at random, `scoring.json` the versions, the comparison of models and warnings of drift.

    Only reviews made before `scored_on` teach; not given, it is the day after the file's last day.
    `champion` names whose score counts (`models.CHAMPIONS`); without one the ranker's, once there
    is enough to learn from. `tell` hears how many claims are scored, of how many.
    """
    day = scored_on or _day_after(features, reviews)
    rules = read_rules().newest().rules
    hits = history.kept("hits", rule_hits(history.claims, rules))
    table = claim_table(features, hits, exclude_each_other(rules), history.kept)
    models = learned(table, reviews, day, champion)
    sample = Sample.of(features)
    ends, done = _Ends(int(features.count().execute())), 0
    with arrow_csv.CSVWriter(str(out / "claim_flags.csv"), FLAGS, write_options=_PLAIN) as file:
        for batch in ahead(batches(history, table)):
            weighed = weigh(batch.columns)
            sample.add(batch.columns, batch.at, batch.lot, weighed.chance)
            chance = models.chances(batch.features, weighed.chance)
            learned_chance = chance if models.by_ranker else None
            score = order(weighed.chance, weighed.yuan, learned_chance)
            at_random = drawn(batch.ids.to_pylist(), LOT_OF_A_FILE)
            ends.add(batch.ids, score, chance, at_random)
            file.write_table(_flags(history, batch, weighed, models, chance, score, at_random))
            done += len(batch.ids)
            tell(done, ends.claims)
    ends.write(out / "queue.csv")
    _write_versions(out / "scoring.json", sample, models, day, ends)


def batches(history: History, table: ir.Table) -> Iterator[Batch]:
    """The claims in parts that fit into memory."""
    # A cursor of its own: what is asked of the engine meanwhile would end the reading.
    cursor = history.engine.con.cursor()
    for part in cursor.sql(ibis.to_sql(table)).to_arrow_reader(_CHUNK):
        columns = {
            name: part.column(name).to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
            for name in COLUMNS
        }
        at, lot = (part.column(name).to_numpy(zero_copy_only=False) for name in ("at", "lot"))
        yield Batch(part.column("claim_id"), part.column("rule_ids"), at, lot, columns)


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same, each made while the one before is looked at."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = maker.submit(next, batches, None)
            yield batch


def _flags(
    history: History,
    batch: Batch,
    weighed: Weighed,
    models: Models,
    chance: NDArray[np.float64],
    score: NDArray[np.float64],
    at_random: NDArray[np.bool_],
) -> pa.Table:
    named = {
        "claim_id": batch.ids,
        "rule_ids": batch.rule_ids,
        "score": score,
        "drawn": at_random,
        **facts(batch.columns, weighed, chance),
    }
    versions = f"{FEATURE_VERSION} {models.champion_version}"
    with history.lent(pa.table(named)) as claims:
        flags = claims.select(
            "claim_id",
            "score",
            amount_at_risk=_.yuan.cast("decimal(14, 2)"),
            rule_ids=_.rule_ids,
            reason=reason(claims, versions, learned=models.by_ranker),
        )
        return history.engine.to_pyarrow(flags).cast(FLAGS)


def _day_after(features: ir.Table, reviews: Mapping[str, Review]) -> date:
    """The file's own clock: nothing in it is of a later day."""
    last: date = features.discharge_date.max().execute().date()
    return max([last, *(review.reviewed_on for review in reviews.values())]) + timedelta(days=1)


class _Ends:
    """The claims scored highest so far, and those drawn."""

    def __init__(self, claims: int) -> None:
        self.claims = claims
        self.alarms = 0
        self._many = max(1, round(claims * TOP * (1 - AT_RANDOM)))
        self._top = pa.table({"claim_id": pa.array([], pa.string()), "score": np.empty(0)})
        self._drawn: list[str] = []

    def add(
        self,
        ids: pa.Array,
        score: NDArray[np.float64],
        chance: NDArray[np.float64],
        at_random: NDArray[np.bool_],
    ) -> None:
        self.alarms += int((chance >= LIKELY).sum())
        more = pa.table({"claim_id": ids, "score": score})
        both = pa.concat_tables([self._top, more])
        self._top = both.take(pa.compute.select_k_unstable(both, self._many, _BEST_FIRST))
        self._drawn += ids.filter(pa.array(at_random)).to_pylist()

    def write(self, path: Path) -> None:
        top = self._top.column("claim_id").to_pylist()
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(f"{','.join(QUEUE_COLUMNS)}\n")
            for place, claim in enumerate(top, start=1):
                file.write(f"{place},{claim},score,\n")
            for claim in sorted(self._drawn):
                file.write(f",{claim},random,{CHANCE_DRAWN}\n")


def _write_versions(path: Path, sample: Sample, models: Models, day: date, ends: _Ends) -> None:
    told: dict[str, Any] = {
        "scored_on": day.isoformat(),
        "claims": ends.claims,
        "likely_wrong": ends.alarms,
        "features": FEATURE_VERSION,
        "evidence": EVIDENCE_VERSION,
        "champion": models.champion_version,
        "challenger": models.challenger_version,
        "no_ranker": None if models.too_few is None else asdict(models.too_few),
        "compared": compared(models),
        "warnings": [asdict(warned) for warned in models.warnings(sample)],
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
