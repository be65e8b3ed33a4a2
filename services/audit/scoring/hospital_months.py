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
_CELL = ("at", "case_type", "severity")


def by_case(features: ir.Table) -> ir.Table:
    """By hospital, month, case type and severity: n, sums and products of log cost and log stay.

    Logs lie within reach of the month's mean of like cases: one huge case moves nothing alone.
    """
    usual = features.group_by(*_CELL).aggregate(
        usual_total=_.log_total.mean(), usual_los=_.log_los.mean()
    )
    near = features.join(usual, _CELL).mutate(
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
        days=_.los.fill_null(1).sum(),
    )


def by_share(features: ir.Table) -> ir.Table:
    """By hospital and month: n, sum and sum of squares of every measure that is no log.

    Caesareans and severity count beside what is usual, that month, among women of like risk.
    """
    born = _.case_type.isin(DELIVERIES)
    usual = (
        features.filter(born)
        .group_by("at", "risk")
        .aggregate(
            usual_caesarean=(_.case_type == "C").cast("float64").mean(),
            usual_severity=_.severity.cast("float64").mean(),
        )
    )
    measured = features.left_join(usual, ["at", "risk"]).mutate(
        caesarean=(_.case_type == "C").cast("float64") - _.usual_caesarean,
        severity=_.severity.cast("float64") - _.usual_severity,
        touching=_.touching.cast("float64"),
        unprepared=_.unprepared.cast("float64"),
        visit_cost=_.log_total,
        scans=_.n_us.fill_null(0).cast("float64"),
        lab=_.n_lab.fill_null(0).cast("float64").clip(upper=60),
    )
    among = {
        "caesarean": born,
        "severity": born,
        "tests_share": born,
        "supplies_share": born,
        "own_share": born,
        "touching": _.case_type.isin(STAYS),
        "unprepared": born,
        "visit_cost": _.case_type == "P",
        "scans": _.case_type == "P",
        "lab": _.case_type == "P",
    }
    sums: dict[str, ir.Deferred] = {"claims": _.count()}
    for name, where in among.items():
        sums[f"{name}_n"] = where.sum()
        sums[f"{name}_sum"] = ibis.ifelse(where, _[name], 0.0).sum()
        sums[f"{name}_squares"] = ibis.ifelse(where, _[name] * _[name], 0.0).sum()
    return measured.group_by("hospital_id", "at").aggregate(**sums)
