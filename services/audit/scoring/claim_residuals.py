"""How far each claim lies from what is usual, by total and by kind of charge.

What is usual: the middle claim of the same case type, severity, length of stay (or week of
pregnancy) and level, of this and recent months; then the hospital's own level of the twelve months
before, and what the month brought to the region. Only months up to the claim's own are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
from ibis import _
from ibis.expr import types as ir

CHARGES = (
    *("total", "bed", "nursing", "exam", "lab", "surgery"),
    *("anesthesia", "drug", "consumable", "treatment", "other"),
)
COUNTS = ("n_us", "n_lab")
MEASURES = (*CHARGES, *COUNTS)
CELL = ("case_type", "severity", "band", "level")
_WIDER = ("case_type", "band")
_CASES = ("V", "C", "A", "P", "F")
_RECENT, _LONG = 3, 12
# A middle of fewer claims is as much chance as measure.
_PEERS_MIN = 30
# Logs of yuan begin above nothing: ten yuan more or less of a small charge is no finding.
_YUAN_FLOOR = 10
_SPREAD_MIN = 0.1
_NARROW_MIN = 0.3
# The middle half of a normal distribution is 1.349 standard deviations wide.
_HALF = 1.349
_CLIP = 4.0

Kept = Callable[[str, ir.Table], ir.Table]


def column_of(measure: str) -> str:
    """The column of a claims file that a measure is taken from."""
    if measure == "total":
        return "total_amount"
    return measure if measure in COUNTS else f"amt_{measure}"


def on_log_scale(claims: ir.Table) -> ir.Table:
    """The claims with their cell, and `x_<measure>`: the log of yuan (plus ten) or of counts."""
    logs = {}
    for measure in MEASURES:
        value = _[column_of(measure)].fill_null(0).clip(lower=0).cast("float64")
        scaled = value + 1 if measure in COUNTS else value / 100 + _YUAN_FLOOR
        logs[f"x_{measure}"] = scaled.ln().cast("float32")
    return _with_cell(claims.mutate(band=_band(), **logs))


def _with_cell(table: ir.Table) -> ir.Table:
    """With `cell`, one number for CELL and month: one whole number is joined far sooner than five
    columns, and never by way of another table that shares some of them.
    """
    case = ibis.cases(*((_.case_type == name, n) for n, name in enumerate(_CASES)), else_=0)
    narrow = (_.at.cast("int64") * 8 + case) * 8 + _.severity
    return table.mutate(cell=(narrow * 4 + _.level) * 2**16 + _.band + 2**15)


def _band() -> ir.Value:
    """Days of a stay, in steps that widen; of an outpatient visit four weeks of pregnancy."""
    days = _.los.fill_null(0)
    stay = ibis.cases((days <= 8, days), (days <= 10, 9), (days <= 14, 10), else_=11)
    return ibis.cases(
        (_.case_type == "P", (_.gest_weeks.fill_null(-4) / 4).floor()), else_=stay
    ).cast("int16")


def usual(logs: ir.Table, kept: Kept) -> ir.Table:
    """By cell and month: `peers`, and for each measure its middle `m_` and spread `s_`."""
    quartiles = logs.group_by("cell").aggregate(
        **{name: _[name].min() for name in (*CELL, "at")},
        n=_.count(),
        **{f"q_{m}": _[f"x_{m}"].quantile([0.25, 0.5, 0.75]) for m in MEASURES},
    )
    monthly = kept(
        "usual_by_month",
        quartiles.mutate(
            **{f"m_{m}": _[f"q_{m}"][1] for m in MEASURES},
            **{f"s_{m}": (_[f"q_{m}"][2] - _[f"q_{m}"][0]) / _HALF for m in MEASURES},
        ).drop(*(f"q_{m}" for m in MEASURES)),
    )
    values = [f"{letter}_{m}" for letter in "ms" for m in MEASURES]
    near = kept("usual_near", _trailing(monthly, CELL, values))
    wide = kept("usual_wide", _trailing(_merged(monthly, values), _WIDER, values))
    wide = wide.rename({f"wide_{name}": name for name in ("peers", *values)})
    both = near.join(wide, [*_WIDER, "at"], how="left")
    few = both.peers < _PEERS_MIN
    chosen = {name: ibis.ifelse(few, both[f"wide_{name}"], both[name]) for name in values}
    chosen |= {f"s_{m}": chosen[f"s_{m}"].clip(lower=_SPREAD_MIN) for m in MEASURES}
    peers = ibis.ifelse(few, both.wide_peers, both.peers)
    return kept("usual", both.select("cell", *CELL, "at", peers=peers, **chosen))


def _merged(monthly: ir.Table, values: Sequence[str]) -> ir.Table:
    """Months of wider cells out of those of the narrow ones, each by its number of claims."""
    return monthly.group_by(*_WIDER, "at").aggregate(
        **{name: (_[name] * _.n).sum() / _.n.sum() for name in values}, n=_.n.sum()
    )


def _trailing(monthly: ir.Table, by: Sequence[str], values: Sequence[str]) -> ir.Table:
    """Means over the recent months by number of claims; over a year where they hold too few."""

    def over(months: int) -> dict[str, ir.Value]:
        window = ibis.range_window(group_by=by, order_by="at", preceding=months - 1, following=0)
        n = monthly.n.sum().over(window)
        means = {name: (monthly[name] * monthly.n).sum().over(window) / n for name in values}
        return {"n": n, **means}

    recent, long = over(_RECENT), over(_LONG)
    few = recent["n"] < _PEERS_MIN
    return monthly.select(
        *by,
        *(name for name in ("cell",) if name in monthly.columns),
        "at",
        peers=ibis.ifelse(few, long["n"], recent["n"]),
        **{name: ibis.ifelse(few, long[name], recent[name]) for name in values},
    )


def by_hospital(logs: ir.Table, usual: ir.Table) -> ir.Table:
    """By hospital, case type and month: claims `n`, and for each measure the mean `x_` of what lies
    above the middle and the variance `v_` of one claim by the spread of its cell, `w_` by what is
    seen within the hospital's month. No single claim counts for more than four spreads.
    """
    held = logs.join(usual.drop(*CELL, "at"), "cell")
    means, variances = {}, {}
    for m in MEASURES:
        far = _CLIP * held[f"s_{m}"]
        above = (held[f"x_{m}"] - held[f"m_{m}"]).clip(lower=-far, upper=far)
        means[f"x_{m}"] = above.mean()
        variances[f"v_{m}"] = (held[f"s_{m}"] * held[f"s_{m}"]).mean()
        variances[f"w_{m}"] = above.var(how="pop")
    return held.group_by("hospital_id", "region", "case_type", "at").aggregate(
        n=_.count(), **means, **variances
    )


def narrower(monthly: ir.Table) -> ir.Table:
    """By case type and month: `k_<measure>`, by what share claims of one hospital lie closer
    together than those of all, over the twelve months up to then. `monthly` is `by_hospital`.
    """
    freedom = (_.n - 1).clip(lower=0)
    sums = monthly.group_by("case_type", "at").aggregate(
        freedom=freedom.sum(),
        **{f"v_{m}": (_[f"v_{m}"] * freedom).sum() for m in MEASURES},
        **{f"w_{m}": (_[f"w_{m}"] * _.n).sum() for m in MEASURES},
    )
    year = ibis.range_window(group_by="case_type", order_by="at", preceding=_LONG - 1, following=0)
    shares = {
        f"k_{m}": (sums[f"w_{m}"].sum().over(year) / sums[f"v_{m}"].sum().over(year).nullif(0))
        .sqrt()
        .fill_null(1.0)
        .clip(lower=_NARROW_MIN, upper=1.0)
        for m in MEASURES
    }
    return sums.select("case_type", "at", **shares)


def within_hospitals(usual: ir.Table, narrow: ir.Table) -> ir.Table:
    """`usual` with the spreads as they are within one hospital. `narrow` is `narrower`."""
    both = usual.join(narrow, ["case_type", "at"])
    return both.mutate(**{f"s_{m}": _[f"s_{m}"] * _[f"k_{m}"] for m in MEASURES}).drop(
        *(f"k_{m}" for m in MEASURES)
    )


def residuals(logs: ir.Table, usual: ir.Table, levels: ir.Table) -> ir.Table:
    """The claims with `r_<measure>`, the log of actual to expected, and `z_<measure>`, the same
    in spreads of its cell within one hospital; `peers` beside them. `usual` is `within_hospitals`;
    `levels` are, by hospital, case type and month, the `hospital_shifts.shifts` of `by_hospital` in
    columns. What else these two have is joined as well.
    """
    held = logs.join(usual.drop(*CELL, "at"), "cell").join(
        levels, ["hospital_id", "case_type", "at"]
    )
    return held.mutate(
        **{f"r_{m}": (_[f"x_{m}"] - _[f"m_{m}"] - _[f"h_{m}"]).cast("float32") for m in MEASURES}
    ).mutate(**{f"z_{m}": (_[f"r_{m}"] / _[f"s_{m}"]).cast("float32") for m in MEASURES})
