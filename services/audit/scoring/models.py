"""Champion and challenger: both score, one counts: the ranker once it has learned enough, unless a
person names the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import ibis
import numpy as np
from ibis import _
from ibis.expr import types as ir
from numpy.typing import NDArray

from services.audit.scoring.claim_table import COLUMNS, FEATURE_VERSION, FEATURES
from services.audit.scoring.drift import (
    Warned,
    drift_of_alarms,
    drift_of_calibration,
    drift_of_features,
)
from services.audit.scoring.evidence import EVIDENCE_VERSION, weigh
from services.audit.scoring.ranker import (
    Outcome,
    Ranker,
    Reviews,
    TooFew,
    evidence_of,
    train,
    with_evidence,
)
from services.audit.scoring.reviews_file import Review
from services.audit.scoring.thresholds import LIKELY

Floats = NDArray[np.float64]

CHAMPIONS: Final = ("evidence", "ranker")
# Drift is looked for in the last three months, against the twelve before, on a draw of claims.
_PRESENT, _REFERENCE = 3, 12
_DRAWN = 50_000
_UNREVIEWED = 5_000


class NoSuchChampion(ValueError):
    """A champion that there is not, or that has too little to learn from."""


@dataclass(slots=True)
class Sample:
    """A draw of the claims of the last fifteen months, taken as they are scored: one in so many, by
    a number that a claim keeps. From month `since` on they are the present.
    """

    since: int
    one_in: int
    _kept: list[tuple[NDArray[np.int64], NDArray[np.float32], Floats]] = field(default_factory=list)

    @classmethod
    def of(cls, features: ir.Table) -> Sample:
        """The draw that a file asks for."""
        since = int(features["at"].max().execute()) - _PRESENT + 1
        recent = int(features.filter(_["at"] >= since - _REFERENCE).count().execute())
        return cls(since, max(1, recent // _DRAWN))

    def add(
        self,
        columns: Mapping[str, NDArray[np.float32]],
        at: NDArray[np.int64],
        lot: NDArray[np.int64],
        by_evidence: Floats,
    ) -> None:
        """Look at some claims; `lot` is the number that each keeps."""
        here = np.flatnonzero((lot % self.one_in == 0) & (at >= self.since - _REFERENCE))
        some = np.column_stack([columns[name][here] for name in FEATURES])
        self._kept.append((at[here], some, by_evidence[here]))

    @property
    def at(self) -> NDArray[np.int64]:
        return np.concatenate([at for at, _, _ in self._kept])

    @property
    def features(self) -> NDArray[np.float32]:
        return np.concatenate([features for _, features, _ in self._kept])

    @property
    def by_evidence(self) -> Floats:
        return np.concatenate([by_evidence for _, _, by_evidence in self._kept])


@dataclass(frozen=True, slots=True)
class Models:
    """Who scores. `reviewed` are the reviews learned from, `judged` what evidence made of them."""

    ranker: Ranker | None
    too_few: TooFew | None
    by_ranker: bool
    confirmed: NDArray[np.bool_]
    judged: Floats

    @property
    def champion_version(self) -> str:
        """Whose score counts."""
        return self.ranker.version if self.ranker and self.by_ranker else EVIDENCE_VERSION

    @property
    def challenger_version(self) -> str | None:
        """Who scores beside it, if there is another."""
        if self.ranker is None:
            return None
        return EVIDENCE_VERSION if self.by_ranker else self.ranker.version

    def chances(self, features: Callable[[], NDArray[np.float32]], by_evidence: Floats) -> Floats:
        """The champion's chance of each claim to be confirmed if reviewed; `features` are made only
        for a champion that looks at them.
        """
        if self.ranker is None or not self.by_ranker:
            return by_evidence
        return self.ranker.chances(with_evidence(features(), by_evidence))

    def challenged(
        self, features: Callable[[], NDArray[np.float32]], by_evidence: Floats
    ) -> Floats | None:
        """The challenger's chance of each claim, None where there is no challenger."""
        if self.ranker is None:
            return None
        if self.by_ranker:
            return by_evidence
        return self.ranker.chances(with_evidence(features(), by_evidence))

    def warnings(self, sample: Sample) -> Iterator[Warned]:
        """What moved away from what the scores were made for."""
        new = sample.at >= sample.since
        features, by_evidence = sample.features, sample.by_evidence
        present, now, reference, was = (
            features[new],
            by_evidence[new],
            features[~new],
            by_evidence[~new],
        )
        if not len(reference) or not len(present):
            return
        yield from drift_of_features(FEATURES, np.nan_to_num(reference), np.nan_to_num(present))
        usual = float((self.chances(lambda: reference, was) >= LIKELY).mean())
        alarms = int((self.chances(lambda: present, now) >= LIKELY).sum())
        yield from drift_of_alarms(self.champion_version, len(present), alarms, usual)
        if self.ranker is not None:
            truth = self.confirmed.astype(np.float64)
            yield from drift_of_calibration(self.ranker.version, self.ranker.unseen, truth)
            yield from drift_of_calibration(EVIDENCE_VERSION, self.judged, truth)


def learned(
    table: ir.Table, reviews: Mapping[str, Review], day: date, champion: str | None
) -> Models:
    """The models of a day.

    Raises NoSuchChampion for a champion that does not exist or has too little to learn from.
    """
    if champion is not None and champion not in CHAMPIONS:
        raise NoSuchChampion(f"{champion} is not one of {', '.join(CHAMPIONS)}")
    known = [review for review in reviews.values() if review.reviewed_on < day]
    ranker: Ranker | TooFew = TooFew(0, len(known))
    confirmed, judged = np.empty(0, dtype=bool), np.empty(0)
    if known:
        told = ibis.memtable(
            {
                "claim_id": [review.claim_id for review in known],
                "outcome": [str(review.outcome) for review in known],
                "reviewed_on": [review.reviewed_on for review in known],
            }
        )
        seen = table.join(told, "claim_id").order_by("claim_id").to_pyarrow()
        features, by_evidence = _features(seen)
        at_hand = Reviews(
            with_evidence(features, by_evidence),
            tuple(Outcome(value) for value in seen.column("outcome").to_pylist()),
            tuple(seen.column("reviewed_on").to_pylist()),
            tuple(seen.column("hospital_id").to_pylist()),
        )
        others, by_others = _features(_draw(table.anti_join(told, "claim_id"), _UNREVIEWED))
        unreviewed = with_evidence(others, by_others)
        ranker = train(at_hand, unreviewed, day, FEATURE_VERSION)
        clear = at_hand.before(day)
        confirmed, judged = clear.confirmed, evidence_of(clear.features)
    if isinstance(ranker, TooFew):
        if champion == "ranker":
            raise NoSuchChampion(
                f"no ranker: {ranker.confirmed} confirmed of {ranker.reviewed} reviewed claims"
            )
        return Models(None, ranker, False, confirmed, judged)
    return Models(ranker, None, champion != "evidence", confirmed, judged)


def compared(models: Models) -> dict[str, Any] | None:
    """How well each ranks the reviewed claims, the ranker by folds that it had not seen."""
    if models.ranker is None:
        return None
    return {
        "reviewed": len(models.confirmed),
        "confirmed": int(models.confirmed.sum()),
        "average_precision": {
            models.ranker.version: _precision(models.confirmed, models.ranker.unseen),
            EVIDENCE_VERSION: _precision(models.confirmed, models.judged),
        },
    }


def _precision(confirmed: NDArray[np.bool_], chance: Floats) -> float:
    from sklearn.metrics import average_precision_score

    return round(float(average_precision_score(confirmed, chance)), 4)


def _draw(table: ir.Table, many: int) -> Any:
    """About so many claims, the same ones whenever they are asked: chosen by their ids."""
    one_in = max(1, int(table.count().execute()) // many)
    some = table.filter(_.claim_id.hash().abs() % one_in == 0).order_by("claim_id")
    return some.to_pyarrow()


def _features(some: Any) -> tuple[NDArray[np.float32], Floats]:
    columns = {
        name: some.column(name).to_numpy().astype(np.float32, copy=False) for name in COLUMNS
    }
    return np.column_stack([columns[name] for name in FEATURES]), weigh(columns).chance
