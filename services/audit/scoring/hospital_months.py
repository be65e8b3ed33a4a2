"""Claims by hospital and month, as Ibis expressions: counts and sums, from which series are made.

A month's sums come from claims discharged in it and from earlier ones alone, so that the past never
changes when a month is added.
"""

from __future__ import annotations

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.scoring.features import DELIVERIES, STAYS

# A single bill counts at most e^1.5, about four and a half times, of what is usual in its month.
_LOG_FAR = 1.5
# Every measure that is a mean of its claims, and the case types that it is taken of.
MEASURES = {
    "caesarean": DELIVERIES,
    "severity": DELIVERIES,
    "tests_share": DELIVERIES,
    "supplies_share": DELIVERIES,
    "own_share": DELIVERIES,
    "unprepared": DELIVERIES,
    "touching": STAYS,
    "bare": ("C",),
    "unprepared_late": DELIVERIES,
    "doubled": STAYS,
    "visit_cost": ("P",),
    "scans": ("P",),
    "lab": ("P",),
    "scans_told": ("P",),
    "lab_told": ("P",),
    "early": DELIVERIES,
    "received": DELIVERIES,
}
BESIDE = ("caesarean", "severity", "visit_cost", "scans", "lab")
# More tests than this at one visit count as so many.
_TESTS_MOST = 60
# Charges that a bill can hold twice; in a bill like any other they are at most this much above
# usual (log): doubled by 0.69, less what the total grows.
_CHARGES = ("amt_exam", "amt_lab", "amt_treatment", "amt_consumable")
_DOUBLED = 0.5
_LAST_DAYS = 3
_CELL = ("at", "case_type", "severity")


def by_case(measures: ir.Table) -> ir.Table:
    """By hospital, month, case type and severity: n, sums and products of log cost and log stay.

    Logs lie within reach of the month's mean of like cases: one huge case moves nothing alone.
    """
    usual = measures.group_by(*_CELL).aggregate(
        usual_total=_.log_total.mean(), usual_los=_.log_los.mean()
    )
    near = measures.join(usual, _CELL).mutate(
        cost=_.log_total.clip(_.usual_total - _LOG_FAR, _.usual_total + _LOG_FAR),
        stay=_.log_los.clip(_.usual_los - _LOG_FAR, _.usual_los + _LOG_FAR),
    )
    return near.group_by("hospital_id", *_CELL).aggregate(
        n=_.count(),
        cost=_.cost.sum(),
        stay=_.stay.sum(),
        cost_cost=(_.cost * _.cost).sum(),
        stay_stay=(_.stay * _.stay).sum(),
        cost_stay=(_.cost * _.stay).sum(),
        total_fen=_.total_amount.sum(),
        exam_fen=_.amt_exam.fill_null(0).sum(),
        lab_fen=_.amt_lab.fill_null(0).sum(),
        days=_.los.fill_null(1).sum(),
    )


def with_doubled(claims: ir.Table) -> ir.Table:
    """The claims with `doubled`: of some kind of charge, the bill holds far more than is usual.

    Usual is the share of that charge in the hospital's bills for such cases in the same month.
    """
    shares = {
        f"log_{name}": ((_[name].fill_null(0) + 1.0) / _.total_amount.clip(lower=1)).ln()
        for name in _CHARGES
    }
    of_bill = claims.mutate(**shares)
    usual = (
        of_bill.filter(_.case_type.isin(STAYS))
        .group_by("hospital_id", "at", "case_type")
        .aggregate(**{f"usual_{name}": _[f"log_{name}"].mean() for name in _CHARGES})
    )
    keys = ("hospital_id", "at", "case_type")
    beside = of_bill.left_join(usual, keys).drop(*(f"{key}_right" for key in keys))
    far = [(_[f"log_{name}"] - _[f"usual_{name}"] > _DOUBLED).fill_null(False) for name in _CHARGES]
    return beside.mutate(doubled=far[0] | far[1] | far[2] | far[3])


def _month_end() -> ir.BooleanValue:
    """Discharged on one of the last three days of a month."""
    later = _.discharge_date + ibis.interval(days=_LAST_DAYS)
    return later.month() != _.discharge_date.month()


def by_share(features: ir.Table) -> ir.Table:
    """By hospital and month: n, sum and sum of squares of every measure of MEASURES; level, region.

    Those of BESIDE count beside what is usual, that month, among women of like risk.
    """
    told = with_doubled(features).mutate(
        caesarean=_.case_type == "C",
        bare=(_.amt_anesthesia <= 0) | (_.amt_surgery <= 0),
        unprepared_late=_.unprepared & _month_end(),
        early=40.0 - _.gest_weeks.fill_null(40),
        visit_cost=_.log_total,
        scans=_.n_us.fill_null(0),
        scans_told=_.n_us.fill_null(0),
        lab=_.n_lab.fill_null(0).clip(upper=_TESTS_MOST),
        lab_told=_.n_lab.fill_null(0),
    )
    told = told.mutate(**{name: _[name].cast("float64") for name in MEASURES})
    usual = (
        told.filter(_.case_type.isin((*DELIVERIES, "P")))
        .group_by("at", "risk")
        .aggregate(**{f"usual_{name}": _[name].mean() for name in BESIDE})
    )
    beside = told.left_join(usual, ["at", "risk"]).mutate(
        **{name: _[name] - _[f"usual_{name}"] for name in BESIDE}
    )
    sums: dict[str, ir.Deferred] = {
        "claims": _.count(),
        "level": _.level.min(),
        "region": _.region.min(),
    }
    for name, cases in MEASURES.items():
        where = _.case_type.isin(cases)
        sums[f"{name}_n"] = where.sum()
        sums[f"{name}_sum"] = ibis.ifelse(where, _[name], 0.0).sum()
        sums[f"{name}_squares"] = ibis.ifelse(where, _[name] * _[name], 0.0).sum()
    return beside.group_by("hospital_id", "at").aggregate(**sums)
