"""Without any review: what each kind of evidence alone makes of a claim, and all of it together.

Each kind gives a chance that the claim is wrong and the money that would then be recovered. The
chances are stated judgements, not estimates: what a rule of its grade is worth, how far beyond its
peers a single bill must lie (never enough alone to be likely: a dear case is no proof), and how far
a hospital's month must move. Reviews replace all of this by what was found (see `ranker`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.audit.scoring.claim_residuals import CHARGES

EVIDENCE_VERSION: Final = "evidence-1"
Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[np.float32]]
"""Columns of claims by name, missing values as nan; amounts in yuan."""

CHARGES_OF_BILL = tuple(charge for charge in CHARGES if charge != "total")
_ELASTICITY = 0.7
"""A stay longer by one per cent costs about 0.7 per cent more (0.67 vaginal, 0.76 caesarean)."""
_MONTH_END_DAYS = 3
_DEAR = 3.0
_LAWFUL = 0.5
"""Of hospitals whose cases changed, about one in two has another reason: new wards, other women."""
_NO_PROOF = 0.4
"""What a month that is dearer as a whole says of one bill in it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """For each claim the chance that it is wrong, the yuan to recover if it is, and which kind of
    evidence (an index of KINDS) says most.
    """

    chance: Floats
    yuan: Floats
    kind: NDArray[np.intp]


def _rises(value: NDArray[np.float32], middle: float, width: float) -> Floats:
    """From 0 to 1 around a middle; what was not measured is no evidence."""
    steps = np.clip((np.nan_to_num(value, nan=-1e3) - middle) / width, -30, 30)
    risen: Floats = 1 / (1 + np.exp(-steps, dtype=np.float64))
    return risen


def _moved(of: Columns, name: str) -> Floats:
    """The chance that this month of the hospital moved beyond chance, by its standard errors."""
    return 0.9 * _rises(of[f"t_{name}"], 3.0, 0.5)


def _surplus(of: Columns, name: str) -> Floats:
    """Of the cases that a hospital's month counts, the share beyond what was to be expected."""
    share = np.nan_to_num(of[f"a_{name}"])
    moved = np.nan_to_num(of[f"d_{name}"])
    return np.clip(moved / np.maximum(share, 1e-6), 0, 1).astype(np.float64)


def _excess(of: Columns, charge: str) -> Floats:
    """Yuan above what was expected; never below nothing."""
    above = 1 - np.exp(-np.maximum(of[f"r_{charge}"], 0))
    excess: Floats = np.nan_to_num(of[charge] * above).astype(np.float64)
    return excess


def _by_rules(of: Columns) -> tuple[Floats, Floats]:
    return of["rule_chance"].astype(np.float64), of["rule_yuan"].astype(np.float64)


def _by_total(of: Columns) -> tuple[Floats, Floats]:
    return 0.25 * _rises(of["z_total"], 4.5, 0.5), _excess(of, "total")


def _by_charge(of: Columns) -> tuple[Floats, Floats]:
    """The one charge that lies farthest beyond the rest of its own bill.

    A hard case makes the whole bill dear, a charge made twice only itself.
    """
    lies = np.stack([np.nan_to_num(of[f"z_{charge}"]) for charge in CHARGES_OF_BILL])
    rest = np.maximum(np.median(lies, axis=0), 0)
    farthest = farthest_charge(of)
    alone = np.take_along_axis(lies, farthest[None], axis=0)[0] - rest
    chance = 0.35 * _rises(alone, 4.0, 0.6) + 0.3 * _rises(alone, 15.0, 1.0)
    excess = np.choose(farthest, [_excess(of, charge) for charge in CHARGES_OF_BILL])
    dear = np.nan_to_num(of["z_total"]) > _DEAR
    return chance, np.where(dear, np.maximum(excess, _excess(of, "total")), excess)


def farthest_charge(of: Columns) -> NDArray[np.intp]:
    """Which of CHARGES_OF_BILL lies farthest beyond what was to be expected."""
    farthest: NDArray[np.intp] = np.argmax(
        [np.nan_to_num(of[f"z_{charge}"]) for charge in CHARGES_OF_BILL], axis=0
    )
    return farthest


def _by_counts(of: Columns) -> tuple[Floats, Floats]:
    """More examinations than her week asks for, in a month in which the hospital does so."""
    chance = np.zeros(len(of["z_total"]))
    for count in ("n_us", "n_lab"):
        chance = np.maximum(chance, _moved(of, count) * _rises(of[f"z_{count}"], 0.5, 0.4))
    return chance, _excess(of, "total")


def _by_cost(of: Columns) -> tuple[Floats, Floats]:
    """All bills of the month became dearer together."""
    raised = np.nan_to_num(np.maximum(of["d_total"], 0))
    chance = _NO_PROOF * _moved(of, "total") * _rises(of["z_total"], -1.0, 0.5)
    return chance, (of["total"] * (1 - np.exp(-raised))).astype(np.float64)


def _by_mode(of: Columns) -> tuple[Floats, Floats]:
    """Caesareans beyond what like women have here: each of them may be one too many."""
    dearer = 1 - np.exp(-np.clip(np.nan_to_num(of["mode_gap"]), 0, 1))
    chance = _LAWFUL * _moved(of, "caesarean") * _surplus(of, "caesarean") * of["is_caesarean"]
    return chance, (of["total"] * dearer).astype(np.float64)


def _by_severity(of: Columns) -> tuple[Floats, Floats]:
    """Complications beyond what like women have here."""
    chance = _LAWFUL * _moved(of, "severe") * _surplus(of, "severe") * of["is_severe"]
    return chance, np.maximum(_excess(of, "total"), 0.1 * of["total"])


def _by_stay(of: Columns) -> tuple[Floats, Floats]:
    """Longer in bed than usual, where the hospital's stays became longer."""
    longer = np.nan_to_num(of["longer"])
    chance = _LAWFUL * _moved(of, "long") * _rises(of["longer"], 0.15, 0.1)
    return chance, (of["total"] * (1 - np.exp(-_ELASTICITY * np.maximum(longer, 0)))).astype(
        np.float64
    )


def _by_touching(of: Columns) -> tuple[Floats, Floats]:
    """A stay cut in two: the part before a birth is what should not be; else the lesser part."""
    chance = np.maximum(of["followed"], 0.5 * of["touching"]) * (
        0.03 + 0.9 * _moved(of, "touching") * _surplus(of, "touching")
    )
    lesser = np.where(of["followed"] > 0, 1.0, 0.4)
    return chance.astype(np.float64), (of["fund"] * lesser).astype(np.float64)


def _by_no_visit(of: Columns) -> tuple[Floats, Floats]:
    """Births that nobody prepared, more than this hospital has, the more so at a month's end."""
    late = np.where(of["days_to_month_end"] < _MONTH_END_DAYS, 1.0, 0.6)
    chance = of["unprepared"] * (
        0.01 + 0.9 * late * _moved(of, "unprepared") * _surplus(of, "unprepared")
    )
    return chance.astype(np.float64), of["fund"].astype(np.float64)


KINDS: Final[Mapping[str, Callable[[Columns], tuple[Floats, Floats]]]] = {
    "rule": _by_rules,
    "total": _by_total,
    "charge": _by_charge,
    "counts": _by_counts,
    "cost": _by_cost,
    "mode": _by_mode,
    "severity": _by_severity,
    "stay": _by_stay,
    "touching": _by_touching,
    "no_visit": _by_no_visit,
}


def weigh(of: Columns) -> Weighed:
    """All evidence together: that a claim is lawful is that every kind of evidence errs."""
    lawful = np.ones(len(of["z_total"]))
    most = np.full(len(lawful), -1.0)
    kind = np.zeros(len(lawful), dtype=np.intp)
    yuan = np.zeros(len(lawful))
    for number, look in enumerate(KINDS.values()):
        chance, recovered = look(of)
        lawful *= 1 - chance
        says_more = chance > most
        most = np.where(says_more, chance, most)
        kind = np.where(says_more, number, kind)
        yuan = np.where(says_more, recovered, yuan)
    return Weighed(1 - lawful, yuan, kind)
