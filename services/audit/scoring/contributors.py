"""Which claims an alarm rests on most: the first papers that a reviewer asks for.

Each claim of the alarmed window is put beside what such cases usually were in that hospital in the
year before it, in the terms of the channel that alarmed. That is a pointer, no proof: the growth is
that of the month, and no single claim has to be wrong for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import ibis
from ibis import _
from ibis.expr import types as ir

from services.audit.domain.series import Contributor
from services.audit.scoring.features import DELIVERIES, STAYS
from services.audit.scoring.hospital_months import is_month_end, with_doubled
from services.audit.scoring.mechanisms import DOUBLED_CHARGES
from shared.money import Money

MOST: Final = 3
_PAST_MONTHS = 12
_ELASTICITY = 0.7
_OF_VISITS = ("visit_cost", "scans", "lab")
# All that is read of a claim: what is read several times is laid down by the engine whole.
_READ = (
    *("hospital_id", "at", "claim_id", "case_type", "severity", "discharge_date", "los"),
    *("total_amount", "tests_share", "supplies_share", "own_share", "unprepared", "touching"),
    *("amt_anesthesia", "amt_surgery", "amt_exam", "amt_lab", "n_us", "n_lab"),
)
_CELL = ("number", "case_type", "severity")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A channel that rose in one hospital over the months first..last, counted from year 0."""

    hospital_id: str
    channel: str
    first: int
    last: int


def contributors(features: ir.Table, alarms: Sequence[Alarm]) -> list[tuple[Contributor, ...]]:
    """For each alarm at most MOST claims, the greatest first. `features` are
    `features.claim_features`, amounts in fen."""
    found: list[list[Contributor]] = [[] for _alarm in alarms]
    if not alarms:
        return []
    told = _ranked(features, _table(alarms)).to_pyarrow()
    for number, claim, fen in zip(*(column.to_pylist() for column in told.itercolumns())):  # noqa: B905
        found[number].append(Contributor(claim, Money(fen)))
    return [tuple(some) for some in found]


def _table(alarms: Sequence[Alarm]) -> ir.Table:
    return ibis.memtable(
        {
            "number": list(range(len(alarms))),
            "hospital_id": [alarm.hospital_id for alarm in alarms],
            "channel": [alarm.channel for alarm in alarms],
            "first": [alarm.first for alarm in alarms],
            "last": [alarm.last for alarm in alarms],
        }
    )


def _ranked(features: ir.Table, alarms: ir.Table) -> ir.Table:
    """number, claim_id and whole fen of the claims told, in the order of telling."""
    near = (
        features.select(*_READ)
        .join(alarms, "hospital_id")
        .filter(
            _.at.between(_.first - _PAST_MONTHS, _.last),
            _.channel.isin(_OF_VISITS) == (_.case_type == "P"),
        )
        .mutate(past=_.at < _.first, days=_.los.fill_null(1).clip(lower=1).cast("float64"))
    )
    near = near.mutate(measure=_measure(near))
    beside = near.filter(~_.past).join(_usual(near), _CELL)
    beside = beside.left_join(_vaginal(near), "number").drop("number_right")
    of_kind = ["number", "case_type"]
    beside = beside.left_join(_plain(near), of_kind).drop("number_right", "case_type_right")
    beside = beside.left_join(_doubled(features, alarms), [("claim_id", "doubled_id")])
    measured = beside.mutate(fen=_above(beside), first_by=_first_by(beside))
    order = ibis.window(
        group_by="number",
        order_by=[_.first_by, ibis.desc(_.fen), _.claim_id],
    )
    ranked = measured.filter(_.fen >= 1).mutate(place=ibis.row_number().over(order))
    told = ranked.filter(_.place < MOST).order_by("number", "place")
    return told.select("number", "claim_id", fen=_.fen.round().cast("int64"))


def _measure(near: ir.Table) -> ir.Value:
    """What the channel of the alarm looks at in a claim; nothing where it needs no usual."""
    c = near
    of_channel: list[tuple[str, ir.Value]] = [
        ("cost", c.total_amount),
        ("visit_cost", c.total_amount),
        ("stay", c.days),
        ("tests_share", c.tests_share),
        ("supplies_share", c.supplies_share),
        ("own_share", c.own_share),
        ("scans", c.n_us.fill_null(0)),
        ("lab", c.n_lab.fill_null(0)),
    ]
    chosen = ((c.channel == name, value.cast("float64")) for name, value in of_channel)
    return ibis.cases(*chosen, else_=ibis.null("float64"))


def _usual(near: ir.Table) -> ir.Table:
    """By alarm, case type and severity: the middle of the year before, or of the window itself
    where there was no such case before."""
    return near.group_by(*_CELL).aggregate(
        usual=ibis.coalesce(_.measure.median(where=_.past), _.measure.median())
    )


def _doubled(features: ir.Table, alarms: ir.Table) -> ir.Table:
    """Ids of the stays with a doubled charge, in the hospitals where that alarmed."""
    stays = features.filter(_.case_type.isin(STAYS)).select(
        "claim_id", "hospital_id", "at", "case_type", "total_amount", *DOUBLED_CHARGES
    )
    there = stays.semi_join(alarms.filter(_.channel == "doubled"), "hospital_id")
    return with_doubled(there).filter(_.doubled).select("doubled_fen", doubled_id="claim_id")


def _vaginal(near: ir.Table) -> ir.Table:
    """By alarm, the middle bill of a vaginal birth."""
    births = near.filter(_.case_type == "V", _.channel.isin(("caesarean", "bare")))
    return births.group_by("number").aggregate(vaginal=_.total_amount.cast("float64").median())


def _plain(near: ir.Table) -> ir.Table:
    """By alarm and case type, the middle bill of a case without complication."""
    without = near.filter(_.severity == 1, _.channel == "severity")
    return without.group_by("number", "case_type").aggregate(
        plain=_.total_amount.cast("float64").median()
    )


def _above(claims: ir.Table) -> ir.Value:
    """Fen by which a claim adds to its alarm; nothing where it is not of the channel's kind."""
    c = claims
    total = c.total_amount.cast("float64")
    birth, stay, visit = (c.case_type.isin(some) for some in (DELIVERIES, STAYS, ("P",)))
    cesarean = c.case_type == "C"
    bare = (c.amt_anesthesia <= 0) | (c.amt_surgery <= 0)
    of_channel: list[tuple[str, ir.Value, ir.Value]] = [
        ("cost", ~visit, total - c.usual),
        ("visit_cost", visit, total - c.usual),
        ("stay", stay, total * (1 - (c.usual / c.days) ** _ELASTICITY)),
        ("caesarean", cesarean, total - c.vaginal),
        ("severity", birth & (c.severity > 1), total - c.plain),
        ("tests_share", birth, total * (c.tests_share - c.usual)),
        ("supplies_share", birth, total * (c.supplies_share - c.usual)),
        ("own_share", birth, total * (c.own_share - c.usual)),
        ("unprepared", birth & c.unprepared, total),
        ("unprepared_late", birth & c.unprepared & is_month_end(c.discharge_date), total),
        ("touching", stay & c.touching, total),
        ("bare", cesarean & bare, total - c.vaginal),
        ("doubled", stay & c.doubled_id.notnull(), c.doubled_fen),
        ("scans", visit, (c.n_us - c.usual) * _each(c.amt_exam, c.n_us)),
        ("lab", visit, (c.n_lab - c.usual) * _each(c.amt_lab, c.n_lab)),
    ]
    chosen = [((c.channel == name) & kind, fen) for name, kind, fen in of_channel]
    return ibis.cases(*chosen, else_=0.0).fill_null(0.0)


def _first_by(claims: ir.Table) -> ir.Value:
    """Of cesareans those come first that complications explain least."""
    return ibis.ifelse(claims.channel == "caesarean", claims.severity, 0)


def _each(amount: ir.Value, count: ir.Value) -> ir.Value:
    return amount.fill_null(0).cast("float64") / count.clip(lower=1)
