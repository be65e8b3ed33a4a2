"""Everything that a claim's score looks at, one row a claim: its bill beside what was expected,
what the rules say of it, and what its hospital's months brought.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Final

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.domain.rule import Grade
from services.audit.scoring.claim_residuals import (
    CHARGES,
    MEASURES,
    Kept,
    by_hospital,
    column_of,
    narrower,
    on_log_scale,
    residuals,
    usual,
    within_hospitals,
)
from services.audit.scoring.features import DELIVERIES, STAYS
from services.audit.scoring.hospital_shifts import (
    BIRTH_RATES,
    STAY_RATES,
    births_by_hospital,
    in_columns,
    in_rows,
    shifts,
    stays_by_hospital,
)

FEATURE_VERSION: Final = "claims-4"
"""Raised with any change of what a column means or how it is computed."""
RATES: Final = (*BIRTH_RATES, *STAY_RATES)
FEATURES: Final = (
    *(f"z_{m}" for m in MEASURES),
    *(f"t_{m}" for m in MEASURES),
    *(f"d_{m}" for m in ("total", *RATES)),
    *(f"t_{rate}" for rate in RATES),
    *(
        "rule_chance",
        "rival_chance",
        "rule_yuan",
        "total",
        "fund_share",
        "los",
        "longer",
        "severity",
        "age",
    ),
    *(
        "is_birth",
        "is_caesarean",
        "is_severe",
        "touching",
        "followed",
        "unprepared",
        "days_to_month_end",
    ),
    *("claims_of_person", "peers"),
)
"""What a ranker learns from, in this order; all are numbers, missing ones null."""
COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            *FEATURES,
            *(f"r_{m}" for m in MEASURES),
            "d_n_lab",
            *(f"a_{rate}" for rate in RATES),
            *CHARGES,
            *("fund", "mode_gap", "severity_gap", "n_us", "n_lab", "is_stay"),
            # How such claims differ among themselves: spreads, and the usual days as a log.
            *("s_n_lab", "stays_differ", "usual_log_los"),
        )
    )
)
# What a rule of this grade is worth before anybody has reviewed what it found.
_VIOLATION = 0.9
# A contradiction of one claim in ten thousand is odd; what every thirtieth shows is a habit.
_SUSPICIOUS, _COMMON = 0.75, 0.0003
_ONE_OF_TWO = 0.5
_LOTS = 1_000_003


def claim_table(
    features: ir.Table, hits: ir.Table, exclusive: Sequence[str], kept: Kept
) -> ir.Table:
    """One row a claim with claim_id, hospital_id, at, case_type, rule_ids, `lot`, a number that it
    keeps whatever else is in the file, and COLUMNS; amounts in yuan.

    `features` are `features.claim_features`, `hits` are `rule_hits.rule_hits`, `exclusive` the
    rules of which `rule_hits.exclude_each_other` says so; `kept` keeps a table that is read several
    times. A month is never compared with a later one.
    """
    logs = on_log_scale(features)
    peers = usual(logs, kept)
    monthly = kept("by_hospital", by_hospital(logs, peers))
    narrow = kept("narrower", narrower(monthly))
    rows = in_rows(_within(monthly, narrow), MEASURES)
    rows = rows.union(in_rows(births_by_hospital(features), BIRTH_RATES))
    rows = rows.union(in_rows(stays_by_hospital(features), STAY_RATES))
    moved = kept("shifts", shifts(kept("by_measure", rows)))
    levels = in_columns(moved, ("hospital_id", "case_type", "at"), MEASURES)
    # The small tables are joined with each other first: each claim is then looked up three times.
    rates = in_columns(moved, ("hospital_id", "at"), RATES)
    levels = kept("levels", _of_births(_beside(levels, rates, ("hospital_id", "at"))))
    expected = _beside(within_hospitals(peers, narrow), _mode_gaps(features), ("level", "at"))
    expected = _beside(expected, _of_cases(features), ("case_type", "at"))
    judged = kept("judged", _judged(features, hits, kept))
    excluded = judged.filter(_.rule_id.isin(exclusive))
    by_claim = (_by_claim(judged), _rivals(features, excluded), _persons(features))
    claims = residuals(logs, kept("expected", expected), levels)
    claims = _beside(claims, kept("by_claim", _together(by_claim)), ("claim_id",))
    birth, stay = _.case_type.isin(DELIVERIES), _.case_type.isin(STAYS)
    named = claims.mutate(
        **{charge: _[column_of(charge)].fill_null(0) / 100 for charge in CHARGES},
        fund=_.fund_amount / 100,
        fund_share=_.fund_amount / _.total_amount.clip(lower=1),
        longer=ibis.ifelse(stay, _.log_los - _.usual_log_los, None),
        is_birth=birth,
        is_stay=stay,
        is_caesarean=_.case_type == "C",
        is_severe=birth & (_.severity > 1),
        unprepared=birth & _.unprepared,
        followed=_.followed.fill_null(False),
        days_to_month_end=_days_to_month_end(),
        rule_chance=_.rule_chance.fill_null(0),
        rule_yuan=_.rule_fen.fill_null(0) / 100,
        rule_ids=_.rule_ids.fill_null(""),
        rival_chance=_.rival_chance.fill_null(0),
    )
    return named.select(
        "claim_id",
        "hospital_id",
        "at",
        "case_type",
        "rule_ids",
        lot=_.claim_id.hash().abs() % _LOTS,
        **{name: named[name].cast("float32") for name in COLUMNS},
    )


def _beside(claims: ir.Table, facts: ir.Table, by: tuple[str, ...]) -> ir.Table:
    joined = claims.left_join(facts, list(by))
    return joined.drop(*(f"{name}_right" for name in by if f"{name}_right" in joined.columns))


def _within(monthly: ir.Table, narrow: ir.Table) -> ir.Table:
    """Hospitals' months with the variance of one claim as it is within a hospital."""
    joined = _beside(monthly, narrow, ("case_type", "at"))
    return joined.mutate(**{f"v_{m}": _[f"v_{m}"] * _[f"k_{m}"] ** 2 for m in MEASURES})


def _mode_gaps(features: ir.Table) -> ir.Table:
    """By level and month, what a cesarean costs above a vaginal birth, as a log."""

    def mean(mode: str) -> ir.Deferred:
        return _.log_total.mean(where=_.case_type == mode)

    return features.group_by("level", "at").aggregate(mode_gap=mean("C") - mean("V"))


def _of_cases(features: ir.Table) -> ir.Table:
    """By case type and month: the mean and the spread of log days, and what complications cost
    above cases without, as a log."""
    return features.group_by("case_type", "at").aggregate(
        usual_log_los=_.log_los.mean(),
        stays_differ=_.log_los.std(how="pop"),
        severity_gap=_.log_total.mean(where=_.severity > 1)
        - _.log_total.mean(where=_.severity == 1),
    )


def _of_births(levels: ir.Table) -> ir.Table:
    """What births alone move is told of births alone."""
    birth = _.case_type.isin(DELIVERIES)
    names = (f"{letter}_{rate}" for rate in BIRTH_RATES for letter in "dta")
    return levels.mutate(**{name: ibis.ifelse(birth, _[name], None) for name in names})


def _together(some: Sequence[ir.Table]) -> ir.Table:
    """Tables of some claims each as one."""
    ids = reduce(lambda all_, more: all_.union(more), (one.select("claim_id") for one in some))
    return reduce(lambda all_, one: _beside(all_, one, ("claim_id",)), some, ids.distinct())


def _persons(features: ir.Table) -> ir.Table:
    """Of births that nobody prepared, how many claims the woman had so far; of stays, whether
    another of hers here follows at once and ends in the same month (what a later month shows, this
    one could not know). Only those of whom one of the two can be said.
    """
    births = features.filter(_.unprepared)
    hers = features.semi_join(births, "person_id").select(
        "claim_id", "person_id", "at", "admit_date"
    )
    so_far = ibis.window(
        group_by="person_id", order_by=("at", "admit_date", "claim_id"), preceding=None, following=0
    )
    counted = hers.select("claim_id", claims_of_person=_.count().over(so_far)).semi_join(
        births, "claim_id"
    )
    stays = features.filter(_.case_type.isin(STAYS))
    near = stays.semi_join(stays.filter(_.touching), ["person_id", "hospital_id", "at"]).select(
        "claim_id", "person_id", "hospital_id", "at", "admit_date", "discharge_date", "touching"
    )
    one_by_one = ibis.window(
        group_by=("person_id", "hospital_id", "at"),
        order_by=("admit_date", "discharge_date", "claim_id"),
    )
    followed = near.select(
        "claim_id",
        followed=_.touching.cast("int8").lead().over(one_by_one).fill_null(0).cast("bool"),
    )
    return _together((counted, followed))


def _judged(features: ir.Table, hits: ir.Table, kept: Kept) -> ir.Table:
    """The hits with `chance`, that the rule is right: how common its findings were up to the month
    is counted.
    """
    months = features.group_by("at").aggregate(claims=_.count())
    found = kept("found", hits.join(features.select("claim_id", "at"), "claim_id"))
    # Every rule in every month, so that a month without a finding counts as well.
    grid = found.select("rule_id").distinct().cross_join(months)
    counted = found.group_by("rule_id", "at").aggregate(met=_.count())
    by_month = grid.left_join(counted, ["rule_id", "at"]).drop("rule_id_right", "at_right")
    so_far = ibis.window(group_by="rule_id", order_by="at", preceding=None, following=0)
    shares = by_month.select(
        "rule_id", "at", share=_.met.fill_null(0).sum().over(so_far) / _.claims.sum().over(so_far)
    )
    worth = ibis.cases(
        (_.grade == str(Grade.VIOLATION), _VIOLATION),
        else_=_SUSPICIOUS / (1 + _.share / _COMMON),
    )
    return found.join(shares, ["rule_id", "at"]).mutate(chance=worth)


def _by_claim(judged: ir.Table) -> ir.Table:
    """For each claim that rules met: their ids, the chance that one of them is right, the most fen
    that one of them puts at risk.
    """
    return judged.group_by("claim_id").aggregate(
        # Spark cannot order what it joins to a text while it sums: it is ordered as a list.
        rule_ids=_.rule_id.collect().sort().join(";"),
        rule_chance=1 - (1 - _.chance).ln().sum().exp(),
        rule_fen=_.excess_fen.max(),
    )


def _rivals(features: ir.Table, judged: ir.Table) -> ir.Table:
    """Claims that a rule names only as the other one of two that exclude each other, both of one
    month: which of the two is wrong, the rule does not know.
    """
    facts = ("person_id", "hospital_id", "admit_date", "discharge_date", "total_amount")
    met = judged.group_by("claim_id").aggregate(chance=_.chance.max())
    met = met.join(features.select("claim_id", "at", "case_type", *facts), "claim_id")
    met = met.rename({f"met_{name}": name for name in ("claim_id", "case_type", *facts)})
    same = (_.hospital_id == _.met_hospital_id) & (_.total_amount == _.met_total_amount)
    both_stays = _.case_type.isin(STAYS) & _.met_case_type.isin(STAYS)
    joined = met.join(
        features.select("claim_id", "at", "case_type", *facts),
        [met.met_person_id == features.person_id, met.at == features["at"]],
    )
    # A stay that begins on the day on which another ends does not overlap it.
    days_meet = (_.admit_date <= _.met_discharge_date) & (_.met_admit_date <= _.discharge_date)
    overlap = (_.admit_date < _.met_discharge_date) & (_.met_admit_date < _.discharge_date)
    others = joined.filter(
        _.claim_id != _.met_claim_id, (same & days_meet) | (both_stays & overlap)
    )
    rivals = others.group_by("claim_id").aggregate(rival_chance=_.chance.max() * _ONE_OF_TWO)
    return rivals.anti_join(judged, "claim_id")


def _days_to_month_end() -> ir.Deferred:
    next_month = _.discharge_date.truncate("M") + ibis.interval(months=1)
    return next_month.cast("date").delta(_.discharge_date, unit="day") - 1
