"""What a hospital's months brought beyond its own past and its region: the context of its claims.

Rates and means of any measure go the same way. The last 1, 3, 6 and 12 months are each compared
with the 12 before them, and what that changed for the region's middle hospital is taken off; the
window that stands out most counts. No month is compared with a later one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.scoring.features import DELIVERIES, STAYS
from services.audit.scoring.hospital_months import is_month_end, with_doubled

BIRTH_RATES = (
    *("caesarean", "coded", "unprepared", "unprepared_late", "long"),
    # Never doubted: where women come earlier or by transfer, more of the others is lawful.
    *("early", "received"),
)
STAY_RATES = ("touching", "doubled")
WINDOWS = (1, 3, 6, 12)
_PAST = 12
# The window whose past is each claim's own expectation: what began half a year ago still shows.
_EXPECTED_BY = 6
# A hospital's level is believed the more, the more claims it rests on; a region's month likewise.
_CLAIMS_TO_BELIEVE = 10
_HOSPITALS_TO_BELIEVE = 2
# Standard deviations that hospitals' means have without a cause: at once, and more each month;
# shares of births move less than the logs of costs do.
_NOISE, _DRIFT = 0.02, 0.0145
_NOISE_OF_SHARES, _DRIFT_OF_SHARES = 0.01, 0.006
_SHARES = (*BIRTH_RATES, *STAY_RATES)
# As many of the month's claims elsewhere tell how one claim differs from another.
_CLAIMS_OF_OTHERS = 100
# A rate of nothing has no variance of its own: it takes that of one in five hundred.
_LEAST_OF_ONE = 0.002
# Where hardly any hospital moves, a little is not much.
_SPREAD_MIN = 0.4
_KEY = ("hospital_id", "region", "case_type", "measure")
_AS_THEY_ARE = ("unprepared", "unprepared_late", "early", "received")


def in_rows(monthly: ir.Table, measures: Sequence[str]) -> ir.Table:
    """One row a measure, with its mean `x`, the variance `v` of one claim, and the plain mean `a`
    where there is one, of a table that has them as columns.
    """
    return reduce(
        lambda all_, more: all_.union(more),
        (
            monthly.select(
                "hospital_id",
                "region",
                "case_type",
                "at",
                measure=ibis.literal(name),
                n=_.n.cast("float64"),
                x=_[f"x_{name}"].cast("float64"),
                v=_[f"v_{name}"].cast("float64"),
                a=(_[f"a_{name}"] if f"a_{name}" in monthly.columns else ibis.null()).cast(
                    "float64"
                ),
            )
            for name in measures
        ),
    )


def shifts(rows: ir.Table) -> ir.Table:
    """By hospital, case type, month and measure: `h`, what was to be expected above what is usual
    for all; `t`, how far the months moved beyond that, in standard errors, and `d`, by how much.
    """
    compared = rows.mutate(**{f"moved_{w}": _moved(rows, w) for w in WINDOWS})
    compared = compared.mutate(
        past=_mean(rows, _past(_EXPECTED_BY)), **{f"e_{w}": _error(rows, w) for w in WINDOWS}
    )
    month = ibis.window(group_by=("region", "case_type", "measure", "at"))
    brought = {}
    for w in WINDOWS:
        hospitals = compared[f"moved_{w}"].count().over(month)
        middle = compared[f"moved_{w}"].median().over(month)
        brought[f"region_{w}"] = middle * hospitals / (hospitals + _HOSPITALS_TO_BELIEVE)
    beyond = compared.mutate(**brought)
    beyond = beyond.mutate(
        **{f"d_{w}": _[f"moved_{w}"] - _[f"region_{w}"] for w in WINDOWS},
    ).mutate(
        **{f"t_{w}": _[f"d_{w}"] / _[f"e_{w}"] for w in WINDOWS},
    )
    highest = ibis.greatest(*(beyond[f"t_{w}"].fill_null(-99) for w in WINDOWS))
    found = beyond.select(
        "hospital_id",
        "case_type",
        "at",
        "measure",
        "a",
        h=ibis.coalesce(
            beyond.past + beyond[f"region_{_EXPECTED_BY}"].fill_null(0),
            beyond.x - beyond.d_1,
            # A hospital without a past is measured by its own month: new is not dear.
            beyond.x * beyond.n / (beyond.n + _CLAIMS_TO_BELIEVE),
        ),
        t=highest.nullif(-99),
        d=ibis.cases(*((highest == beyond[f"t_{w}"], beyond[f"d_{w}"]) for w in WINDOWS)),
    )
    return _as_others_move(found)


def _as_others_move(found: ir.Table) -> ir.Table:
    """`t` beside what hospitals' months show of themselves, over the last twelve months: the middle
    is 0, and what one in six exceeds is 1.
    """
    kind = ("case_type", "measure")
    monthly = found.group_by(*kind, "at").aggregate(n=_.t.count(), q=_.t.quantile([0.5, 0.84]))
    year = ibis.range_window(group_by=kind, order_by="at", preceding=_PAST - 1, following=0)
    middle, high = (
        (monthly.n * monthly.q[at]).sum().over(year) / monthly.n.sum().over(year).nullif(0)
        for at in (0, 1)
    )
    usual = monthly.select(
        *kind, "at", middle=middle, spread=(high - middle).clip(lower=_SPREAD_MIN)
    )
    both = found.left_join(usual, [*kind, "at"])
    return both.mutate(t=(_.t - _.middle) / _.spread).select(*found.columns)


def in_columns(shifts: ir.Table, by: Sequence[str], measures: Sequence[str]) -> ir.Table:
    """Shifts as columns `h_`, `d_`, `t_`, `a_` of each measure."""
    return shifts.group_by(*by).aggregate(
        **{
            f"{letter}_{name}": _[letter].max(where=_.measure == name).cast("float32")
            for letter in "hdta"
            for name in measures
        }
    )


def _recent(months: int) -> ir.WindowBuilder:
    return ibis.range_window(group_by=_KEY, order_by="at", preceding=months - 1, following=0)


def _past(months: int) -> ir.WindowBuilder:
    return ibis.range_window(group_by=_KEY, order_by="at", preceding=(months + _PAST - 1, months))


def _mean(rows: ir.Table, window: ir.WindowBuilder) -> ir.FloatingValue:
    return (rows.x * rows.n).sum().over(window) / rows.n.sum().over(window)


def _moved(rows: ir.Table, months: int) -> ir.FloatingValue:
    return _mean(rows, _recent(months)) - _mean(rows, _past(months))


def _error(rows: ir.Table, months: int) -> ir.FloatingValue:
    now, before = (rows.n.sum().over(window) for window in (_recent(months), _past(months)))
    of_shares = rows.measure.isin(_SHARES)
    noise = ibis.ifelse(of_shares, _NOISE_OF_SHARES**2, _NOISE**2)
    # The mean of some months strays from the mean of those before by a third of their drift.
    drift = ibis.ifelse(of_shares, _DRIFT_OF_SHARES**2, _DRIFT**2) * ((months + _PAST) / 3)
    return (rows.v * (1 / now + 1 / before) + noise + drift).sqrt()


def births_by_hospital(features: ir.Table) -> ir.Table:
    """The share of cesareans and the degrees of severity coded above the first, each beside what
    is usual that month among women of like age and week; log days in bed; shares of births without
    a prenatal visit (at all, and in a month's last days) and of women sent by another hospital;
    weeks before term.
    """
    births = features.filter(_.case_type.isin(DELIVERIES)).mutate(
        caesarean=(_.case_type == "C").cast("float64"),
        coded=_.severity.cast("float64") - 1,
        unprepared=_.unprepared.cast("float64"),
        unprepared_late=(_.unprepared & is_month_end(_.discharge_date)).cast("float64"),
        long=_.log_los,
        early=40.0 - _.gest_weeks.fill_null(40),
        received=_.received.cast("float64"),
    )
    alike = ibis.window(group_by=("at", "risk"))
    stays = ibis.window(group_by=("at", "case_type"))
    beside = births.mutate(
        beside_caesarean=_.caesarean - _.caesarean.mean().over(alike),
        beside_coded=_.coded - _.coded.mean().over(alike),
        **{f"beside_{name}": _[name] for name in _AS_THEY_ARE},
        beside_long=_.long - _.long.mean().over(stays),
    )
    return _means(beside, BIRTH_RATES).mutate(case_type=ibis.literal("births"))


def stays_by_hospital(features: ir.Table) -> ir.Table:
    """Shares of stays that touch an earlier one of the same woman here, and of those with one kind
    of charge far above the hospital's own usual.
    """
    stays = with_doubled(features.filter(_.case_type.isin(STAYS))).mutate(
        **{name: _[name].cast("float64") for name in STAY_RATES}
    )
    return _means(stays.mutate(**{f"beside_{n}": _[n] for n in STAY_RATES}), STAY_RATES).mutate(
        case_type=ibis.literal("stays")
    )


def _means(beside: ir.Table, names: Sequence[str]) -> ir.Table:
    means = beside.group_by("hospital_id", "region", "at").aggregate(
        n=_.count(),
        **{f"x_{name}": _[f"beside_{name}"].mean() for name in names},
        **{f"v_{name}": _[f"beside_{name}"].var(how="pop") for name in names},
        **{f"a_{name}": _[name].mean() for name in names},
    )
    return means.mutate(**{f"v_{name}": _of_one(means, f"v_{name}") for name in names})


def _of_one(means: ir.Table, name: str) -> ir.Value:
    """The variance of one claim: its hospital's month's, and no less than that within all hospitals
    until its own claims say otherwise. One or two births never differ, which tells nothing; one of
    twenty that is rare elsewhere makes such births no rarity here.
    """
    month = ibis.window(group_by="at")
    squares, freedom = means.n * means[name], means.n - 1
    everywhere = squares.sum().over(month) / freedom.sum().over(month).clip(lower=1)
    believed = (squares + _CLAIMS_OF_OTHERS * everywhere) / (freedom + _CLAIMS_OF_OTHERS)
    return ibis.greatest(means[name], believed).clip(lower=_LEAST_OF_ONE)
