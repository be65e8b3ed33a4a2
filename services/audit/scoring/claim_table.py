"""Everything that a claim's score looks at, one row a claim: its bill beside what was expected,
what the rules say of it, and what its hospital's months brought.
"""

from __future__ import annotations

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
    on_log_scale,
    residuals,
    usual,
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

FEATURE_VERSION: Final = "claims-1"
"""Raised with any change of what a column means or how it is computed."""
RATES: Final = (*BIRTH_RATES, *STAY_RATES)
FEATURES: Final = (
    *(f"z_{m}" for m in MEASURES),
    *(f"t_{m}" for m in MEASURES),
    *(f"d_{m}" for m in ("total", *RATES)),
    *(f"t_{rate}" for rate in RATES),
    *("rule_chance", "rule_yuan", "total", "fund_share", "los", "longer", "severity", "age"),
    *("is_caesarean", "is_severe", "touching", "followed", "unprepared", "days_to_month_end"),
    *("claims_of_person", "peers"),
)
"""What a ranker learns from, in this order; all are numbers, missing ones null."""
COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            *FEATURES,
            *(f"r_{m}" for m in MEASURES),
            *(f"d_{m}" for m in MEASURES),
            *(f"a_{rate}" for rate in RATES),
            *CHARGES,
            *("fund", "mode_gap", "n_us", "n_lab"),
        )
    )
)
# What a rule of this grade is worth before anybody has reviewed what it found.
_VIOLATION = 0.9
# A contradiction of one claim in ten thousand is odd; what every thirtieth shows is a habit.
_SUSPICIOUS, _COMMON = 0.75, 0.0003


def claim_table(features: ir.Table, hits: ir.Table, kept: Kept) -> ir.Table:
    """One row a claim with claim_id, hospital_id, at, case_type, rule_ids and COLUMNS; amounts in
    yuan. `features` are `features.claim_features`, `hits` are `rule_hits.rule_hits`; `kept` keeps
    a table that is read several times. A month is never compared with a later one.
    """
    logs = on_log_scale(features)
    peers = usual(logs, kept)
    rows = in_rows(kept("by_hospital", by_hospital(logs, peers)), MEASURES)
    rows = rows.union(in_rows(births_by_hospital(features), BIRTH_RATES))
    rows = rows.union(in_rows(stays_by_hospital(features), STAY_RATES))
    moved = kept("shifts", shifts(kept("by_measure", rows)))
    levels = kept("levels", in_columns(moved, ("hospital_id", "case_type", "at"), MEASURES))
    rates = kept("rates", in_columns(moved, ("hospital_id", "at"), RATES))
    claims = residuals(logs, peers, levels)
    claims = _beside(claims, rates, ("hospital_id", "at"))
    claims = _beside(claims, kept("mode_gaps", _mode_gaps(features)), ("level", "at"))
    claims = _beside(claims, kept("usual_days", _usual_days(features)), ("case_type", "at"))
    claims = _beside(claims, kept("persons", _persons(features)), ("claim_id",))
    claims = _beside(claims, kept("ruled", _by_claim(features, hits, kept)), ("claim_id",))
    birth, stay = _.case_type.isin(DELIVERIES), _.case_type.isin(STAYS)
    of_births = {
        f"{letter}_{rate}": ibis.ifelse(birth, _[f"{letter}_{rate}"], None)
        for rate in BIRTH_RATES
        for letter in "dta"
    }
    named = claims.mutate(
        **of_births,
        **{charge: _[column_of(charge)].fill_null(0) / 100 for charge in CHARGES},
        fund=_.fund_amount / 100,
        fund_share=_.fund_amount / _.total_amount.clip(lower=1),
        longer=ibis.ifelse(stay, _.log_los - _.usual_log_los, None),
        is_caesarean=_.case_type == "C",
        is_severe=birth & (_.severity > 1),
        unprepared=birth & _.unprepared,
        followed=_.followed.fill_null(False),
        days_to_month_end=_days_to_month_end(),
        rule_chance=_.rule_chance.fill_null(0),
        rule_yuan=_.rule_fen.fill_null(0) / 100,
        rule_ids=_.rule_ids.fill_null(""),
    )
    return named.select(
        "claim_id",
        "hospital_id",
        "at",
        "case_type",
        "rule_ids",
        **{name: named[name].cast("float32") for name in COLUMNS},
    )


def _beside(claims: ir.Table, facts: ir.Table, by: tuple[str, ...]) -> ir.Table:
    joined = claims.left_join(facts, list(by))
    return joined.drop(*(f"{name}_right" for name in by if f"{name}_right" in joined.columns))


def _mode_gaps(features: ir.Table) -> ir.Table:
    """By level and month, what a caesarean costs above a vaginal birth, as a log."""

    def mean(mode: str) -> ir.Deferred:
        return _.log_total.mean(where=_.case_type == mode)

    return features.group_by("level", "at").aggregate(mode_gap=mean("C") - mean("V"))


def _usual_days(features: ir.Table) -> ir.Table:
    return features.group_by("case_type", "at").aggregate(usual_log_los=_.log_los.mean())


def _persons(features: ir.Table) -> ir.Table:
    """How many claims each person had so far; whether another of her stays here follows at once and
    ends in the same month (what a later month shows, this one could not know).
    """
    so_far = ibis.window(
        group_by="person_id", order_by=("at", "admit_date", "claim_id"), preceding=None, following=0
    )
    stays = ibis.window(
        group_by=("person_id", "hospital_id", "at", features.case_type.isin(STAYS)),
        order_by=("admit_date", "discharge_date", "claim_id"),
    )
    return features.select(
        "claim_id",
        claims_of_person=_.count().over(so_far),
        followed=_.case_type.isin(STAYS)
        & _.touching.cast("int8").lead().over(stays).fill_null(0).cast("bool"),
    )


def _by_claim(features: ir.Table, hits: ir.Table, kept: Kept) -> ir.Table:
    """For each claim that rules met: their ids, the chance that one of them is right, the most fen
    that one of them puts at risk. How common a rule's findings are is counted up to the month.
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
    judged = found.join(shares, ["rule_id", "at"]).mutate(chance=worth)
    return judged.group_by("claim_id").aggregate(
        rule_ids=_.rule_id.group_concat(sep=";", order_by=_.rule_id),
        rule_chance=1 - (1 - _.chance).ln().sum().exp(),
        rule_fen=_.excess_fen.max(),
    )


def _days_to_month_end() -> ir.Deferred:
    next_month = _.discharge_date.truncate("M") + ibis.interval(months=1)
    return next_month.cast("date").delta(_.discharge_date, unit="day") - 1
