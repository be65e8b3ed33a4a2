"""What reviewers decided teaches the order of the queue.

A gradient boosting ranker is trained in the run from the reviews, with a fixed seed, and is named
by what made it; it is never stored. What it and the evidence are worth beside each other is learned
from reviews of hospitals that it did not see.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    # Loading it takes seconds that only a run with reviews needs: imported where it is used.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
"""What is known of claims, a row each; `with_evidence` makes one that a ranker learns from."""

CONFIRMED_MIN = 300
REVIEWED_MIN = 3_000
CHUNK = 250_000
"""Claims scored at once, so that the memory of scoring does not grow with the file."""
LEARNED_BY = "3"
"""Raised with any change of how reviews teach: it is part of every ranker's version."""
_FOLDS = 3
_SEED = 20_200_101
# What was never reviewed counts as lawful, each claim so little that a wrong one does no harm.
_UNREVIEWED_WEIGHT = 0.1
# Evidence that is next to nothing, or next to certain, is not doubted without end.
_SURE = 1e-4
# Where the chance that the evidence gives stands among what a ranker sees.
_EVIDENCE = -1


def with_evidence(features: Matrix, by_evidence: Floats) -> Matrix:
    """A ranker also sees what was thought before anything was reviewed."""
    return np.column_stack([features, by_evidence.astype(np.float32)])


def evidence_of(matrix: Matrix) -> Floats:
    """What was thought before anything was reviewed, of each claim."""
    return matrix[:, _EVIDENCE].astype(np.float64)


class Outcome(StrEnum):
    """What a reviewer decided of one claim."""

    CONFIRMED = "confirmed"
    EXPLAINED = "explained"
    DATA_ERROR = "data error"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviewed claims, one element each: what was known of them, the evidence's chance with it, and
    what was decided."""

    features: Matrix
    outcomes: tuple[Outcome, ...]
    reviewed_on: tuple[date, ...]
    hospitals: tuple[str, ...]

    def before(self, day: date) -> Reviews:
        """Those made before a day, the only ones its scores may know; unclear ones teach none."""
        kept = [
            on < day and outcome is not Outcome.UNCLEAR
            for on, outcome in zip(self.reviewed_on, self.outcomes, strict=True)
        ]
        return Reviews(
            self.features[np.array(kept, dtype=bool)],
            tuple(o for o, keep in zip(self.outcomes, kept, strict=True) if keep),
            tuple(d for d, keep in zip(self.reviewed_on, kept, strict=True) if keep),
            tuple(h for h, keep in zip(self.hospitals, kept, strict=True) if keep),
        )

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """Which of them reviewers confirmed; a data error recovers nothing, as an explained one."""
        return np.array([o is Outcome.CONFIRMED for o in self.outcomes], dtype=bool)


@dataclass(frozen=True, slots=True)
class TooFew:
    """Why there is no ranker yet."""

    confirmed: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained ranker. `unseen` are the chances of its own reviews, from folds without them."""

    version: str
    unseen: Floats
    _trees: HistGradientBoostingClassifier
    _scale: LogisticRegression

    def chances(self, features: Matrix) -> Floats:
        """The chance of each claim to be confirmed if reviewed, from 0 to 1."""
        raw = np.empty(len(features))
        for start in range(0, len(features), CHUNK):
            part = slice(start, start + CHUNK)
            raw[part] = _odds(self._trees, features[part])
        return _calibrated(self._scale, raw, features)


def train(reviews: Reviews, unreviewed: Matrix, day: date, feature_version: str) -> Ranker | TooFew:
    """Learn from the reviews made before `day`; `unreviewed` is a random draw of other claims, of
    which the same is known.

    The same reviews give the same ranker and the same version.
    """
    known = reviews.before(day)
    confirmed = known.confirmed
    if confirmed.sum() < CONFIRMED_MIN or len(confirmed) < REVIEWED_MIN:
        return TooFew(int(confirmed.sum()), len(confirmed))
    raw = np.empty(len(confirmed))
    for learned, left_out in _folds(known):
        trees = _fit(known.features[learned], confirmed[learned], unreviewed)
        raw[left_out] = _odds(trees, known.features[left_out])
    scale = _weighed(_beside_evidence(raw, known.features), confirmed)
    return Ranker(
        version=_version(known, unreviewed, feature_version),
        unseen=_calibrated(scale, raw, known.features),
        _trees=_fit(known.features, confirmed, unreviewed),
        _scale=scale,
    )


def _folds(known: Reviews) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Reviews to learn from and reviews left out, three times. A hospital's are on one side only:
    its claims are alike, and a ranker that had seen some of them would seem to foresee the rest.
    Of too few hospitals, by claim.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    confirmed = known.confirmed
    if len(set(known.hospitals)) >= _FOLDS:
        apart = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
        folds = list(apart.split(known.features, confirmed, known.hospitals))
        if all(confirmed[learned].any() for learned, _left_out in folds):
            return folds
    by_claim = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    return list(by_claim.split(known.features, confirmed))


def _fit(
    features: Matrix, confirmed: NDArray[np.bool_], unreviewed: Matrix
) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=80,
        max_leaf_nodes=15,
        max_bins=63,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=_SEED,
    )
    weights = np.ones(len(features) + len(unreviewed))
    weights[len(features) :] = _UNREVIEWED_WEIGHT
    with _one_thread():
        return trees.fit(
            np.concatenate([features, unreviewed]),
            np.concatenate([confirmed, np.zeros(len(unreviewed), dtype=bool)]),
            sample_weight=weights,
        )


def _odds(trees: HistGradientBoostingClassifier, features: Matrix) -> Floats:
    with _one_thread():
        odds: Floats = trees.decision_function(features)
    return odds


def _one_thread() -> threadpool_limits:
    """Its threads wait by spinning: on two busy cores they made minutes of a second's work."""
    return threadpool_limits(limits=1, user_api="openmp")


def _beside_evidence(raw: Floats, features: Matrix) -> Floats:
    """The trees' log-odds and the evidence's. Trees know the hospitals they learned from: at others
    their odds are worth less. Held down alone, they would promise the ordinary claim far too much,
    as nine in ten reviews are of claims that looked wrong; beside the evidence it takes their place
    by as much as they are held down.
    """
    by_evidence = np.clip(evidence_of(features), _SURE, 1 - _SURE)
    return np.column_stack([raw, np.log(by_evidence / (1 - by_evidence))])


def _weighed(columns: Floats, confirmed: NDArray[np.bool_]) -> LogisticRegression:
    """By how much each is believed; what reviews speak against is not believed the other way round,
    but left out."""
    from sklearn.linear_model import LogisticRegression

    scale = LogisticRegression(C=1e6).fit(columns, confirmed)
    speaks_for = scale.coef_[0] > 0
    if not speaks_for.all():
        scale.fit(columns * speaks_for, confirmed)
    return scale


def _calibrated(scale: LogisticRegression, raw: Floats, features: Matrix) -> Floats:
    chances: Floats = scale.predict_proba(_beside_evidence(raw, features))[:, 1]
    return chances


def _version(reviews: Reviews, unreviewed: Matrix, feature_version: str) -> str:
    import sklearn

    made_of = hashlib.sha256()
    made_by = (LEARNED_BY, feature_version, sklearn.__version__, str(_SEED))
    for part in (*made_by, ";".join(reviews.outcomes), ";".join(reviews.hospitals)):
        made_of.update(part.encode() + b"\n")
    for matrix in (reviews.features, unreviewed):
        made_of.update(np.ascontiguousarray(matrix).tobytes())
    return f"ranker-{made_of.hexdigest()[:12]}"
