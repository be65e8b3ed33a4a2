"""What a hospital's month brought beyond its own past and its region: the context of its claims.

Rates and means of any measure go through the same steps. A month is compared with earlier ones and
with other hospitals' same month, never with a later one.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.scoring.features import DELIVERIES, STAYS

BIRTH_RATES = ("caesarean", "severe", "unprepared", "long")
STAY_RATES = ("touching",)
_PAST = 18
# A hospital's past is believed the more, the more claims it rests on; a region's month likewise.
_CLAIMS_TO_BELIEVE = 10
_HOSPITALS_TO_BELIEVE = 2
# What a month may differ by without any cause, beside the chance of its few claims.
_OWN_DRIFT = 0.03


def shifts(monthly: ir.Table, names: Sequence[str]) -> ir.Table:
    """`h_<name>`, what was to be expected above what is usual for all; `d_<name>`, what came beyond
    it; `t_<name>`, that in its standard errors.

    `monthly` has hospital_id, region, case_type, at, n, and for each name its mean `x_` and the
    variance `v_` of one claim.
    """
    by = ("hospital_id", "region", "case_type")
    past = ibis.range_window(group_by=by, order_by="at", preceding=(_PAST, 1))
    before = monthly.n.sum().over(past).fill_null(0)
    own = {}
    for name in names:
        mean = (monthly[f"x_{name}"] * monthly.n).sum().over(past) / before.nullif(0)
        # A hospital without a past is measured by its own month: new is not dear.
        new = monthly[f"x_{name}"] * monthly.n / (monthly.n + _CLAIMS_TO_BELIEVE)
        weight = before / (before + _CLAIMS_TO_BELIEVE)
        own[f"own_{name}"] = ibis.coalesce(mean * weight, new)
    based = monthly.mutate(before=before, **own)
    month = ibis.window(group_by=("region", "case_type", "at"))
    hospitals = based.count().over(month)
    believed = hospitals / (hospitals + _HOSPITALS_TO_BELIEVE)
    expected = based.select(
        "hospital_id",
        "case_type",
        "at",
        "n",
        "before",
        *(based[f"{letter}_{name}"] for letter in "xv" for name in names),
        **{
            f"h_{name}": based[f"own_{name}"]
            + (based[f"x_{name}"] - based[f"own_{name}"]).median().over(month) * believed
            for name in names
        },
    )
    moved = expected.mutate(**{f"d_{name}": _[f"x_{name}"] - _[f"h_{name}"] for name in names})
    error = {
        name: (
            _[f"v_{name}"] * (1 / _.n + 1 / (_.before + _CLAIMS_TO_BELIEVE)) + _OWN_DRIFT**2
        ).sqrt()
        for name in names
    }
    return moved.mutate(
        **{f"t_{name}": _[f"d_{name}"] / error[name] for name in names}
    ).select(
        "hospital_id",
        "case_type",
        "at",
        *(f"{letter}_{name}" for letter in "hdt" for name in names),
        hospital_n=_.n,
    )


def births_by_hospital(features: ir.Table) -> ir.Table:
    """Shares of caesareans, of severe cases and of births without a prenatal visit, and log days in
    bed, each beside what is usual that month among women of like age and week.
    """
    usual = features.filter(_.case_type.isin(DELIVERIES)).mutate(
        caesarean=(_.case_type == "C").cast("float64"),
        severe=(_.severity > 1).cast("float64"),
        unprepared=_.unprepared.cast("float64"),
    )
    alike = ibis.window(group_by=("at", "risk"))
    stays = ibis.window(group_by=("at", "case_type"))
    beside = usual.mutate(
        beside_caesarean=_.caesarean - _.caesarean.mean().over(alike),
        beside_severe=_.severe - _.severe.mean().over(alike),
        beside_unprepared=_.unprepared,
        beside_long=_.log_los - _.log_los.mean().over(stays),
        long=_.log_los,
    )
    return _means(beside, BIRTH_RATES).mutate(case_type=ibis.literal("births"))


def stays_by_hospital(features: ir.Table) -> ir.Table:
    """The share of stays that touch an earlier one of the same woman here."""
    stays = features.filter(_.case_type.isin(STAYS)).mutate(
        beside_touching=_.touching.cast("float64")
    )
    return _means(stays, STAY_RATES).mutate(case_type=ibis.literal("stays"))


def _means(beside: ir.Table, names: Sequence[str]) -> ir.Table:
    # A rate of nothing has no variance of its own: it takes that of one in a hundred.
    return beside.group_by("hospital_id", "region", "at").aggregate(
        n=_.count(),
        **{f"x_{name}": _[f"beside_{name}"].mean() for name in names},
        **{f"v_{name}": _[f"beside_{name}"].var(how="pop").clip(lower=0.01) for name in names},
        **{f"a_{name}": _[name].mean() for name in names},
    )
