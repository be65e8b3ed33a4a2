"""Predicates over what a case bills, by groups of items."""

from __future__ import annotations

from functools import reduce
from operator import or_

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.items import (
    PREGNANCY_DAYS,
    DaysBeyondStay,
    ForbiddenItem,
    MissingItem,
    MoreLinesThanDays,
    OutsideStay,
    TooOften,
)
from services.audit.scoring.case_table import ITEM_SCALE, held
from services.audit.scoring.conditions import any_code, at_risk, hits, of_benefits, whole_fund


def days_beyond(asked: DaysBeyondStay, cases: ir.Table) -> ir.Table | None:
    """Cases that bill more days than their stay has."""
    if not _tells(cases, asked.group, "fen", "quantity"):
        return None
    quantity, amount = cases[f"{asked.group}_quantity"], cases[f"{asked.group}_fen"]
    days = cases.los + int(asked.discharge_day_counts)
    allowed = ibis.greatest(ibis.literal(1), days) * ITEM_SCALE
    met = of_benefits(cases, asked.benefits) & amount.notnull() & (quantity > allowed)
    return hits(cases, met, at_risk(cases, _share_above(amount, quantity, allowed)))


def too_often(asked: TooOften, cases: ir.Table) -> ir.Table | None:
    """Cases that bring a group above what is due."""
    if not _tells(cases, asked.group, "quantity"):
        return None
    quantity = cases[f"{asked.group}_quantity"]
    table = cases.mutate(billed_quantity=quantity, earlier=ibis.literal(0).cast("int64"))
    if asked.per == "pregnancy":
        table = _with_earlier(asked, table)
    most = asked.quantity_max * ITEM_SCALE
    in_weeks = table.weeks.between(asked.weeks_min, asked.weeks_max)
    asks_weeks = asked.weeks_min > 0 or asked.weeks_max < 45
    met = (
        of_benefits(table, asked.benefits)
        & in_weeks.fill_null(not asks_weeks)
        & (table.billed_quantity > 0)
        & (table.earlier + table.billed_quantity > most)
    )
    if not _tells(cases, asked.group, "fen"):
        return hits(table, met, ibis.literal(0))
    allowed = ibis.greatest(ibis.literal(0), most - table.earlier)
    above = _share_above(table[f"{asked.group}_fen"], table.billed_quantity, allowed)
    return hits(table, met, at_risk(table, above.fill_null(0)))


def _with_earlier(asked: TooOften, table: ir.Table) -> ir.Table:
    """What was billed of the group in the visits of the pregnancy before, where it can matter."""
    visits = table.filter(
        of_benefits(table, [Benefit.PRENATAL]) & (table.billed_quantity > 0)
    ).select(
        other_id="claim_id", other_person="person", other_event="event", other="billed_quantity"
    )
    many = visits.group_by("other_person").aggregate(sum_all=visits.other.sum())
    visits = visits.semi_join(
        many.filter(many.sum_all > asked.quantity_max * ITEM_SCALE), "other_person"
    )
    days = table.event.delta(visits.other_event, unit="day")
    before = (visits.other_event < table.event) | (
        (visits.other_event == table.event) & (visits.other_id < table.claim_id)
    )
    joined = table.select("claim_id", "person", "event").join(
        visits,
        [table.person == visits.other_person, days.between(0, PREGNANCY_DAYS), before],
    )
    sums = joined.group_by("claim_id").aggregate(before=joined.other.sum().cast("int64"))
    told = table.drop("earlier").left_join(sums, "claim_id").drop("claim_id_right")
    return told.mutate(earlier=told.before.fill_null(0)).drop("before")


def forbidden(asked: ForbiddenItem, cases: ir.Table) -> ir.Table | None:
    """Cases that bill of a group that does not belong to them."""
    if not _tells(cases, asked.group, "fen"):
        return None
    amount = cases[f"{asked.group}_fen"]
    met = of_benefits(cases, asked.benefits) & (amount > 0)
    if asked.modes_allowed:
        met = met & cases["mode"].notin(asked.modes_allowed)
    if asked.unless:
        met = met & cases.diagnoses.notnull() & ~any_code(cases.diagnoses, asked.unless)
    if not asked.while_pregnant:
        return hits(cases, met, at_risk(cases, amount))
    visits = cases.filter(of_benefits(cases, [Benefit.PRENATAL])).select(
        visit_id="claim_id", visitor="person", visited="event"
    )
    able = cases.filter(met)
    days = able.event.delta(visits.visited, unit="day")
    pregnant = able.semi_join(
        visits,
        [able.person == visits.visitor, able.claim_id != visits.visit_id,
         days.between(0, PREGNANCY_DAYS)],
    )  # fmt: skip
    return hits(pregnant, ibis.literal(True), at_risk(pregnant, pregnant[f"{asked.group}_fen"]))


def missing(asked: MissingItem, cases: ir.Table) -> ir.Table | None:
    """Cases that bill nothing of what proves them."""
    told = [cases[f"{g}_fen"] for g in asked.groups if _tells(cases, g, "fen")]
    if not told or (len(told) < len(asked.groups) and not asked.all_of):
        return None
    nothing = told[0] == 0
    for amount in told[1:]:
        nothing = (nothing | (amount == 0)) if asked.all_of else (nothing & (amount == 0))
    met = of_benefits(cases, asked.benefits) & nothing
    if asked.modes:
        met = met & cases["mode"].isin(asked.modes)
    if asked.diagnoses:
        met = met & any_code(cases.diagnoses, asked.diagnoses)
    return whole_fund(cases, met)


def outside(asked: OutsideStay, cases: ir.Table, items: ir.Table) -> ir.Table:
    """Cases with items charged before or after the stay."""
    stays = cases.filter(of_benefits(cases, asked.benefits)).select(
        "claim_id", "admitted", "discharged", "fund_fen"
    )
    joined = stays.join(items, "claim_id")
    begin = joined.admitted - ibis.interval(days=asked.days_before)
    end = joined.discharged + ibis.interval(days=asked.days_after)
    strange = joined.filter((joined.first_day < begin) | (joined.last_day > end))
    summed = strange.group_by("claim_id").aggregate(
        amount=strange.amount.sum(), fund_fen=strange.fund_fen.max()
    )
    return hits(summed, ibis.literal(True), at_risk(summed, summed.amount))


def doubled(
    asked: MoreLinesThanDays, cases: ir.Table, items: ir.Table, groups: ItemGroups
) -> ir.Table:
    """Cases with items on more lines than days."""
    stays = cases.filter(of_benefits(cases, asked.benefits)).select("claim_id", "fund_fen")
    concerned = [
        held(items, group) for name, group in groups.by_name.items() if name not in asked.exempt
    ]
    exempt = [held(items, groups.by_name[name]) for name in asked.exempt]
    lines, never = items.lines.cast("int64"), ibis.literal(False)
    above = lines - items.days.cast("int64")
    scaled = (items.quantity * ITEM_SCALE).cast("int64")
    strange = items.filter(
        above >= asked.lines_above_days_min,
        reduce(or_, concerned, never),
        ~reduce(or_, exempt, never),
        items.amount > 0,
        items.amount % lines == 0,
        scaled % (lines * ITEM_SCALE) == 0,
    ).select("claim_id", of_lines=items.amount // lines * above)
    joined = stays.join(strange, "claim_id")
    summed = joined.group_by("claim_id").aggregate(
        amount=joined.of_lines.sum().cast("int64"), fund_fen=joined.fund_fen.max()
    )
    return hits(summed, ibis.literal(True), at_risk(summed, summed.amount))


def _tells(cases: ir.Table, group: str, *what: str) -> bool:
    return all(f"{group}_{one}" in cases.columns for one in what)


def _share_above(
    amount: ir.IntegerValue, quantity: ir.IntegerValue, allowed: ir.IntegerValue
) -> ir.IntegerValue:
    """What of an amount is for more than the quantity allowed, to the fen, half up: all in whole
    numbers until one exact division."""
    above = 2 * amount * ibis.greatest(ibis.literal(0), quantity - allowed) + quantity
    return (above - above % (2 * quantity)) / (2 * quantity)
