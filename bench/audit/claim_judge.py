"""What the scores of single claims are worth, against labels.

Positives are claims whose own papers can show the violation. Claims that are only part of a dearer
hospital, and the first of two claims that contradict each other (which looks as guilty as the
second), count nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from sklearn.metrics import average_precision_score

from bench.audit.series_judge import Unscored
from bench.audit.world import Array

TOP = 0.005
"""The share of claims that reviewers can look at."""
RULES: Mapping[str, tuple[str, ...]] = {
    "sex": ("sex-of-person", "male-delivery"), "age": ("age-of-person",),
    "duplicate_claim": ("duplicate-claim", "repeated-claim"),
    "overlap": ("overlapping-stays", "overlapping-claim"),
}  # fmt: skip
"""Which rules answer for which violation: the beginnings of their ids."""


@dataclass(frozen=True)
class Flags:
    """Claims with scores and labels; all columns of one length."""

    claim: Array
    score: Array
    rules: Array
    """Rule ids, joined as in the file."""
    kind: Array
    excess: Array
    provable: Array
    rival: Array
    """For a claim that contradicts another: the other's id, else empty."""


@dataclass(frozen=True)
class OfRule:
    recall: float
    precision: float
    planted: int
    hits: int


def read_claims(claims: Path, labels: Path, flags: Path) -> Flags:
    """Every claim with its score and label. Raises Unscored."""
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        engine.register("claims", engine.from_csv_auto(str(claims), all_varchar=True))
        engine.register("labels", engine.from_csv_auto(str(labels), all_varchar=True))
        engine.register("flags", engine.from_csv_auto(str(flags), all_varchar=True))
        found = engine.sql(
            """SELECT claim_id, TRY_CAST(f.score AS DOUBLE) AS score,
                coalesce(f.rule_ids, '') AS rules, coalesce(l.kind, '') AS kind,
                coalesce(CAST(l.excess_yuan AS DOUBLE), 0) AS excess,
                coalesce(l.provable, '0') = '1' AS provable, coalesce(l.partner_id, '') AS rival
            FROM (SELECT claim_id FROM claims) LEFT JOIN flags f USING (claim_id)
            LEFT JOIN labels l USING (claim_id) ORDER BY claim_id"""
        ).fetchnumpy()
    score = np.ma.filled(found["score"], np.nan).astype(float)
    claim = found["claim_id"].astype(str)
    if not np.isfinite(score).all() or len(np.unique(claim)) != len(claim):
        raise Unscored(f"{int((~np.isfinite(score)).sum())} of {len(claim)} claims")
    return Flags(
        claim=claim, score=score, rules=found["rules"].astype(str), kind=found["kind"].astype(str),
        excess=found["excess"].astype(float), provable=found["provable"].astype(bool),
        rival=found["rival"].astype(str),
    )  # fmt: skip


def average_precision(some: Flags, reviewed: Collection[str] = ()) -> float:
    """Over the claims that nobody reviewed yet."""
    judged = _judged(some) & ~np.isin(some.claim, list(reviewed))
    return float(average_precision_score(some.provable[judged], some.score[judged]))


def money_at_the_top(some: Flags) -> float:
    """The share of all provable excess that lies in the claims scored highest."""
    judged = np.flatnonzero(_judged(some))
    many = int(len(judged) * TOP)
    top = judged[np.argsort(-some.score[judged], kind="stable")[:many]]
    owed = np.where(some.provable, some.excess, 0)
    return float(owed[top].sum() / max(owed[judged].sum(), 0.01))


def of_rules(some: Flags) -> dict[str, OfRule]:
    """Recall and precision of the rules that cannot miss.

    A pair is found by a hit on either claim. A hit is false where nothing is wrong with the claim
    and it is no planted claim's rival.
    """
    at = {claim: n for n, claim in enumerate(some.claim.tolist())}
    rival = np.array([at.get(name, -1) if name else -1 for name in some.rival.tolist()])
    excused = some.provable.copy()
    excused[rival[rival >= 0]] = True
    found = {}
    for kind, names in RULES.items():
        hit = np.array([_hit_by(ids, names) for ids in some.rules.tolist()])
        planted = some.kind == kind
        seen = hit | (hit[rival] & (rival >= 0))
        found[kind] = OfRule(
            recall=_share(seen & planted, planted), precision=_share(excused & hit, hit),
            planted=int(planted.sum()), hits=int(hit.sum()),
        )  # fmt: skip
    return found


def _judged(some: Flags) -> Array:
    rivals = np.unique(some.rival[some.rival != ""])
    judged: Array = some.provable | ((some.kind == "") & ~np.isin(some.claim, rivals))
    return judged


def _hit_by(ids: str, names: tuple[str, ...]) -> bool:
    return any(one.strip().startswith(names) for one in ids.split(";"))


def _share(part: Array, whole: Array) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else float("nan")
