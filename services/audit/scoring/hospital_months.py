"""Claims by hospital and month, as Ibis expressions: counts and sums, from which series are made.

A month's sums come from claims discharged in it and from earlier ones alone, so that the past never
changes when a month is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.scoring.features import (
    DELIVERIES,
    STAYS,
)
from services.audit.scoring.mechanisms import DOUBLED_CHARGES

# A single bill counts at most e^1.5, about four and a half times, of what is usual in its month.
_LOG_FAR = 1.5
# Measures that are means of their claims, and the case types that each is taken of.
OF_STAYS = {
    "caesarean": DELIVERIES,
    "severity": DELIVERIES,
    "tests_share": DELIVERIES,
    "supplies_share": DELIVERIES,
    "own_share": DELIVERIES,
    "unprepared": DELIVERIES,
    "unprepared_late": DELIVERIES,
    "touching": STAYS,
    "doubled": STAYS,
    "bare": ("C",),
    "early": DELIVERIES,
    "received": DELIVERIES,
}
OF_VISITS = dict.fromkeys(("visit_cost", "scans", "lab", "scans_told", "lab_told"), ("P",))
MEASURES = {**OF_STAYS, **OF_VISITS}
BESIDE = ("caesarean", "severity", "visit_cost", "scans", "lab")
_KEYS = ("hospital_id", "at")
# More tests than this at one visit count as so many.
_TESTS_MOST = 60
# In a bill like any other a charge is at most this much above usual (log): doubled by 0.69, less
# what the total grows.
_DOUBLED = 0.5
_LAST_DAYS = 3
_CELL = ("at", "case_type", "severity")
# What is read several times is laid down by the engine with every column that it has: only these.
_OF_CASES = ("log_total", "log_los", "total_amount", "amt_exam", "amt_lab", "los")
_OF_SHARES = (
    *("level", "region", "risk", "gest_weeks", "discharge_date", "n_us", "n_lab", "log_total"),
    *("total_amount", "amt_anesthesia", "amt_surgery", "tests_share", "supplies_share"),
    *("own_share", "touching", "unprepared", "received"),
)


def by_case(measures: ir.Table) -> ir.Table:
    """By hospital, month, case type and severity: n, sums and products of log cost and log stay.

    Logs lie within reach of the month's mean of like cases: one huge case moves nothing alone.
    """
    measures = measures.select("hospital_id", *_CELL, *_OF_CASES)
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
    """Stays with `doubled`: of some kind of charge, the bill holds far more than is usual; and
    `doubled_fen`, how much more.

    Usual is the share of that charge in the hospital's bills for such cases in the same month.
    """
    shares = {
        f"log_{name}": ((_[name].fill_null(0) + 1.0) / _.total_amount.clip(lower=1)).ln()
        for name in DOUBLED_CHARGES
    }
    of_bill = claims.mutate(**shares)
    usual = of_bill.group_by("hospital_id", "at", "case_type").aggregate(
        **{f"usual_{name}": _[f"log_{name}"].mean() for name in DOUBLED_CHARGES}
    )
    keys = ("hospital_id", "at", "case_type")
    beside = of_bill.left_join(usual, keys).drop(*(f"{key}_right" for key in keys))
    above = {name: _[f"log_{name}"] - _[f"usual_{name}"] for name in DOUBLED_CHARGES}
    far = {name: (log > _DOUBLED).fill_null(False) for name, log in above.items()}
    more = (
        ibis.ifelse(far[name], _[name] * (1 - (-log).exp()), 0.0) for name, log in above.items()
    )
    return beside.mutate(doubled=reduce(or_, far.values()), doubled_fen=ibis.greatest(*more))


def is_month_end(day: Any) -> Any:
    """Whether a day is one of the last three of its month."""
    return (day + ibis.interval(days=_LAST_DAYS)).month() != day.month()


def by_share(features: ir.Table) -> ir.Table:
    """By hospital and month: n, sum and sum of squares of every measure of MEASURES; level, region.

    Those of BESIDE count beside what is usual, that month, among women of like risk.
    """
    features = features.select("hospital_id", *_CELL, *_OF_SHARES, *DOUBLED_CHARGES)
    stays = with_doubled(features.filter(_.case_type.isin(STAYS))).mutate(
        caesarean=_.case_type == "C",
        bare=(_.amt_anesthesia <= 0) | (_.amt_surgery <= 0),
        unprepared_late=_.unprepared & is_month_end(_.discharge_date),
        early=40.0 - _.gest_weeks.fill_null(40),
    )
    visits = features.filter(_.case_type == "P").mutate(
        visit_cost=_.log_total,
        scans=_.n_us.fill_null(0),
        scans_told=_.n_us.fill_null(0),
        lab=_.n_lab.fill_null(0).clip(upper=_TESTS_MOST),
        lab_told=_.n_lab.fill_null(0),
    )
    everything = features.group_by(*_KEYS).aggregate(
        claims=_.count(), level=_.level.min(), region=_.region.min()
    )
    for some, measures in ((stays, OF_STAYS), (visits, OF_VISITS)):
        sums = _sums(_beside(some, measures), measures)
        joined = everything.left_join(sums, _KEYS)
        everything = joined.drop(*(f"{key}_right" for key in _KEYS))
    return everything


def _beside(some: ir.Table, measures: Mapping[str, Sequence[str]]) -> ir.Table:
    """The measures as numbers, those of BESIDE less their mean of the month and risk."""
    told = some.mutate(**{name: _[name].cast("float64") for name in measures})
    beside = [name for name in BESIDE if name in measures]
    among = told.filter(_.case_type.isin((*DELIVERIES, "P")))
    usual = among.group_by("at", "risk").aggregate(
        **{f"usual_{name}": _[name].mean() for name in beside}
    )
    return told.left_join(usual, ["at", "risk"]).mutate(
        **{name: _[name] - _[f"usual_{name}"] for name in beside}
    )


def _sums(some: ir.Table, measures: Mapping[str, Sequence[str]]) -> ir.Table:
    sums: dict[str, ir.Deferred] = {}
    for name, cases in measures.items():
        where = _.case_type.isin(cases)
        sums[f"{name}_n"] = where.sum()
        sums[f"{name}_sum"] = _[name].sum(where=where)
        sums[f"{name}_squares"] = (_[name] * _[name]).sum(where=where)
    return some.group_by(*_KEYS).aggregate(**sums)
