"""Without any review: what each kind of evidence alone makes of a claim, and all of it together.

Each kind gives a chance that the claim is wrong and the money that would then be recovered. The
chances are stated judgements, not estimates: what a rule of its grade is worth, how far beyond its
peers a single bill must lie (never enough alone to be likely: a dear case is no proof), and how far
a hospital's month must move. Reviews replace all of this by what was found (see `ranker`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.audit.scoring.claim_residuals import CHARGES
from services.audit.scoring.mechanisms import (
    BEFORE_BIRTH,
    BIRTH,
    LESSER_PART,
    NIGHTS,
    OTHER_PART,
    TOUCHING_ITSELF,
)

EVIDENCE_VERSION: Final = "evidence-3"
"""Of what is here and of the data it rests on, whose hashes `tests/audit/evidence_versions.toml`
keeps under the version."""
Floats = NDArray[np.float64]
Numbers = NDArray[np.float32] | NDArray[np.float64]
Columns = Mapping[str, NDArray[np.float32]]
"""Columns of claims by name, missing values as nan; amounts in yuan."""

CHARGES_OF_BILL = tuple(charge for charge in CHARGES if charge != "total")
_ELASTICITY = 0.7
"""A stay longer by one per cent costs about 0.7 per cent more (0.67 vaginal, 0.76 cesarean)."""
_MONTH_END_DAYS = 3
_DEAR = 3.0
_UNLAWFUL = 0.75
"""Of hospitals whose cases changed, and whose women did not, one in four has another reason."""
_SPREAD_MIN = 0.1
_NO_PROOF = 0.4
"""What a month that is dearer as a whole says of one bill in it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """For each claim the chance that it is wrong, the fund's yuan to recover if it is, and which
    kind of evidence (an index of KINDS) says most.
    """

    chance: Floats
    yuan: Floats
    kind: NDArray[np.intp]


def _rises(value: Numbers, middle: float, width: float) -> Floats:
    """From 0 to 1 around a middle; what was not measured is no evidence."""
    measured: NDArray[Any] = np.nan_to_num(value, nan=-1e3)
    steps = np.clip((measured - middle) / width, -30, 30)
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


def _alone(of: Columns) -> Floats:
    """By how many spreads the farthest charge lies beyond the rest of its own bill."""
    lies = np.stack([np.nan_to_num(of[f"z_{charge}"]) for charge in CHARGES_OF_BILL])
    rest = np.maximum(np.median(lies, axis=0), 0)
    alone: Floats = lies.max(axis=0) - rest
    return alone


def _by_charge(of: Columns) -> tuple[Floats, Floats]:
    """The one charge that lies farthest beyond the rest of its own bill.

    A hard case makes the whole bill dear, a charge made twice only itself; more surely so where the
    hospital's months have more such bills.
    """
    alone = _alone(of)
    chance = 0.5 * _rises(alone, 4.0, 0.5) + 0.3 * _rises(alone, 12.0, 1.0)
    habit = _moved(of, "doubled") * _surplus(of, "doubled") * of["is_stay"]
    chance = np.maximum(chance, habit * _rises(alone, 2.0, 0.4))
    excess = np.choose(farthest_charge(of), [_excess(of, charge) for charge in CHARGES_OF_BILL])
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
    moved = np.maximum(_moved(of, "n_us"), _moved(of, "n_lab"))
    return moved * _rises(_counted(of), 1.2, 0.4), _excess(of, "total")


def _by_twice(of: Columns) -> tuple[Floats, Floats]:
    """Outside the wards, twice as many examinations as usual, where wards charge twice."""
    share = np.clip(np.nan_to_num(of["d_doubled"]), 0, 0.5) * (1 - of["is_stay"])
    counted = _counted(of)
    # By how many spreads of such visits their number rises if each is made twice.
    twice = np.log(2) / _spread(of["s_n_lab"])
    chance = _moved(of, "doubled") * _doubted(share, twice * (counted - twice / 2))
    return chance * (counted > 0), _excess(of, "total")


def _counted(of: Columns) -> Floats:
    """By how many spreads scans, tests or both lie beyond what her week asks for."""
    scans, tests = (np.nan_to_num(of[f"z_{count}"], nan=-9) for count in ("n_us", "n_lab"))
    both = (scans + tests) / np.sqrt(2)
    above: Floats = np.maximum(np.maximum(scans, tests), both).astype(np.float64)
    return above


def _by_cost(of: Columns) -> tuple[Floats, Floats]:
    """All bills of the month became dearer together."""
    raised = np.nan_to_num(np.maximum(of["d_total"], 0))
    chance = _NO_PROOF * _moved(of, "total") * _rises(of["z_total"], -1.0, 0.5)
    return chance, (of["total"] * (1 - np.exp(-raised))).astype(np.float64)


def _by_mode(of: Columns) -> tuple[Floats, Floats]:
    """Cesareans beyond what like women have here: each of them may be one too many."""
    dearer = 1 - np.exp(-np.clip(np.nan_to_num(of["mode_gap"]), 0, 1))
    share = _doubted(_surplus(of, "caesarean"), _padded(of))
    chance = _unlawful(of) * _moved(of, "caesarean") * share * of["is_caesarean"]
    return chance, (of["total"] * dearer).astype(np.float64)


def _by_severity(of: Columns) -> tuple[Floats, Floats]:
    """More severe than what is coded of like women here; the more so where the tests that such a
    case brings were not made.
    """
    tested = np.nan_to_num(of["z_n_lab"])
    share = _doubted(_surplus(of, "coded"), _padded(of) - tested - 0.5)
    chance = _unlawful(of) * _moved(of, "coded") * share * of["is_severe"]
    # At least what such cases cost above those without a complication.
    dearer = 1 - np.exp(-np.clip(np.nan_to_num(of["severity_gap"]), 0, 1))
    return chance, np.maximum(_excess(of, "total"), of["total"] * dearer)


def _by_stay(of: Columns) -> tuple[Floats, Floats]:
    """Longer in bed than usual, where the hospital's stays became longer."""
    longer = np.nan_to_num(of["longer"])
    lengthened = np.log1p(NIGHTS / np.exp(np.nan_to_num(of["usual_log_los"])))
    share = np.clip(np.nan_to_num(of["d_long"]) / lengthened, 0, 0.8)
    likelier = (longer - lengthened / 2) * lengthened / _spread(of["stays_differ"]) ** 2
    chance = _unlawful(of) * _moved(of, "long") * _doubted(share, likelier) * (longer > 0)
    return chance, (of["total"] * (1 - np.exp(-_ELASTICITY * np.maximum(longer, 0)))).astype(
        np.float64
    )


def _spread(measured: Numbers) -> Floats:
    """A spread that is measured, and never so small that every claim would stand out."""
    spread: Floats = np.maximum(np.nan_to_num(measured, nan=1.0), _SPREAD_MIN).astype(np.float64)
    return spread


def _padded(of: Columns) -> Floats:
    """How much likelier a bill is, as a log, where what was written down was to be paid."""
    z = np.nan_to_num(of["z_total"])
    likelier: Floats = np.asarray(0.5 * z - 0.125, dtype=np.float64)
    return likelier


def _doubted(share: Numbers, log_likelier: Numbers) -> Floats:
    """A share of all cases that is too many, for the one case that is likelier one of them."""
    odds = share / (1 - np.minimum(share, 0.95)) * np.exp(np.clip(log_likelier, -2, 2))
    doubted: Floats = np.asarray(odds / (1 + odds), dtype=np.float64)
    return doubted


def _unlawful(of: Columns) -> Floats:
    """The chance that cases changed for no lawful reason: little where the women themselves did,
    who come earlier in pregnancy or from another hospital.
    """
    other_women = np.maximum(_rises(of["t_early"], 2.0, 0.4), _rises(of["t_received"], 2.0, 0.4))
    unlawful: Floats = _UNLAWFUL * (1 - 0.9 * other_women)
    return unlawful


def _by_touching(of: Columns) -> tuple[Floats, Floats]:
    """A stay cut in two: the part before a birth is what should not be; else the lesser part."""
    birth = of["is_birth"] > 0
    part = np.maximum(
        BEFORE_BIRTH * of["followed"], np.where(birth, BIRTH, OTHER_PART) * of["touching"]
    )
    habit = 0.9 * _moved(of, "touching") * _surplus(of, "touching")
    chance = part * (TOUCHING_ITSELF + habit)
    lesser = np.where(of["followed"] > 0, 1.0, LESSER_PART)
    return chance.astype(np.float64), (of["fund"] * lesser).astype(np.float64)


def _by_no_visit(of: Columns) -> tuple[Floats, Floats]:
    """Births that nobody prepared, more than this hospital has, the more so at a month's end, of
    women of whom nothing else is known.
    """
    at_end, at_all = _unprepared(of)
    unknown = np.where(of["claims_of_person"] > 1, 0.3, 1.0)
    chance = of["unprepared"] * unknown * (0.01 + 0.9 * np.maximum(at_end, at_all))
    return chance.astype(np.float64), of["fund"].astype(np.float64)


def _unprepared(of: Columns) -> tuple[Floats, Floats]:
    """How surely births of a month's last days, and all of them, are too often unprepared here."""
    late = np.where(of["days_to_month_end"] < _MONTH_END_DAYS, 1.0, 0.0)
    at_end = late * _moved(of, "unprepared_late") * _surplus(of, "unprepared_late")
    at_all = 0.6 * _moved(of, "unprepared") * _surplus(of, "unprepared")
    return at_end, at_all


def by_month_end(of: Columns) -> NDArray[np.bool_]:
    """Which births nobody prepared are doubted because a month's last days gather such."""
    at_end, at_all = _unprepared(of)
    return np.asarray(at_end > at_all)


def _by_rival(of: Columns) -> tuple[Floats, Floats]:
    """Another claim of hers and this one cannot both be right."""
    return of["rival_chance"].astype(np.float64), of["fund"].astype(np.float64)


KINDS: Final[Mapping[str, Callable[[Columns], tuple[Floats, Floats]]]] = {
    "rule": _by_rules,
    "rival": _by_rival,
    "total": _by_total,
    "charge": _by_charge,
    "counts": _by_counts,
    "twice": _by_twice,
    "cost": _by_cost,
    "mode": _by_mode,
    "severity": _by_severity,
    "stay": _by_stay,
    "touching": _by_touching,
    "no_visit": _by_no_visit,
}
_OF_FUND = ("rule", "rival", "touching", "no_visit")
"""Kinds whose money is the fund's already; of the others it is the bill's, of which the fund paid a
part."""


def weigh(of: Columns) -> Weighed:
    """All evidence together: that a claim is lawful is that every kind of evidence errs."""
    lawful = np.ones(len(of["z_total"]))
    most = np.full(len(lawful), -1.0)
    kind = np.zeros(len(lawful), dtype=np.intp)
    yuan = np.zeros(len(lawful))
    paid = np.clip(np.nan_to_num(of["fund_share"]), 0, 1).astype(np.float64)
    for number, (name, look) in enumerate(KINDS.items()):
        chance, recovered = look(of)
        if name not in _OF_FUND:
            recovered = recovered * paid
        lawful *= 1 - chance
        says_more = chance > most
        most = np.where(says_more, chance, most)
        kind = np.where(says_more, number, kind)
        yuan = np.where(says_more, recovered, yuan)
    return Weighed(1 - lawful, yuan, kind)
