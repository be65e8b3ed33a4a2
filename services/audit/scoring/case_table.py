"""A file of claims as the table of cases that rules are asked of, column for column what
`domain.case.Case` says of one. A column that is null was not told.

Input has the columns of a claims file with its amounts in whole fen; `items`, where there is one,
the columns claim_id, item_code, quantity, amount (fen), first_day, last_day, lines, days, one row a
claim and code. A file does not tell when a claim was filed and on which day of the stay the event
was: the day of discharge and the day of admission stand for them. No procedures or diagnoses coded
at all are taken as not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit, Sex
from services.audit.domain.item_group import ItemGroup, ItemGroups

BENEFITS: Mapping[str, Benefit] = {
    "delivery": Benefit.DELIVERY,
    "antepartum": Benefit.ANTEPARTUM,
    "prenatal": Benefit.PRENATAL,
    "fp_surgery": Benefit.FAMILY_PLANNING,
}
MODES: Mapping[str, str] = {"V": "vaginal", "C": "cesarean"}
SEXES: Mapping[str, Sex] = {
    **dict.fromkeys(("F", "female", "2", "女"), Sex.FEMALE),
    **dict.fromkeys(("M", "male", "1", "男"), Sex.MALE),
}
AMOUNTS: Mapping[str, str] = {
    "bed": "amt_bed",
    "nursing": "amt_nursing",
    "exam": "amt_exam",
    "lab": "amt_lab",
    "surgery": "amt_surgery",
    "anaesthesia": "amt_anesthesia",
}
"""Groups of items whose amount a file tells."""
COUNTS: Mapping[str, str] = {"ultrasound": "n_us", "lab": "n_lab"}
"""Groups of items whose quantity a file tells."""

ITEM_SCALE = 1000
"""Quantities are counted in thousandths, so that shares of them stay whole numbers."""


def cases(
    claims: ir.Table,
    items: ir.Table | None,
    asked: Iterable[str],
    groups: ItemGroups,
) -> ir.Table:
    """Claims as cases; `asked` are the groups of items that will be asked for, of all `groups`."""
    table = claims.select(
        claim_id=claims.claim_id,
        person=claims.person_id,
        institution=claims.hospital_id,
        benefit=_looked_up(claims.kind, BENEFITS),
        mode=_looked_up(claims.case_type, MODES),
        sex=_looked_up(claims.sex, SEXES),
        age=claims.age,
        weeks=claims.gest_weeks,
        severity=claims.severity,
        admitted=claims.admit_date,
        discharged=claims.discharge_date,
        event=claims.admit_date,
        los=claims.discharge_date.delta(claims.admit_date, unit="day").cast("int64"),
        diagnoses=_codes(claims.diag_codes),
        procedures=_codes(claims.proc_codes),
        total_fen=claims.total_amount.cast("int64"),
        fund_fen=claims.fund_amount.cast("int64"),
        **{f"{group}_fen": claims[name].cast("int64") for group, name in AMOUNTS.items()},
        **{
            f"{group}_quantity": claims[name].cast("int64") * ITEM_SCALE
            for group, name in COUNTS.items()
        },
    )
    return table if items is None else _with_items(table, items, asked, groups)


def _with_items(
    table: ir.Table, items: ir.Table, asked: Iterable[str], groups: ItemGroups
) -> ir.Table:
    """What a claim's items tell of a group holds over what its sums tell, as `ItemGroups.billed`
    has it: of a bill in foreign codes, and of a group that has no code, only what is there."""
    wanted = list(asked)
    within = {name: held(items, group) for name, group in groups.by_name.items()}
    grouped = reduce(lambda one, other: one | other, within.values())
    fen, scaled = items.amount.cast("int64"), (items.quantity * ITEM_SCALE).cast("int64")
    billed = items.group_by("claim_id").aggregate(
        **{f"{g}_item_fen": within[g].ifelse(fen, 0).sum() for g in wanted},
        **{f"{g}_item_quantity": within[g].ifelse(scaled, 0).sum() for g in wanted},
        **{f"{g}_items": within[g].ifelse(1, 0).sum() for g in wanted},
        known_items=grouped.ifelse(2, 0).sum() >= items.count(),
    )
    joined = table.left_join(billed, "claim_id").drop("claim_id_right")
    told = {}
    for column in (f"{g}_{what}" for g in wanted for what in ("fen", "quantity")):
        group, _, what = column.rpartition("_")
        is_told = joined[f"{group}_items"] > 0
        if not groups.by_name[group].is_empty:
            is_told = is_told | joined.known_items
        of_items = is_told.ifelse(joined[f"{group}_item_{what}"], ibis.null("int64"))
        of_sums = joined[column] if column in table.columns else ibis.null("int64")
        told[column] = joined.known_items.isnull().ifelse(of_sums, of_items)
    return joined.mutate(**told).select(
        *table.columns, *(name for name in told if name not in table.columns)
    )


def held(items: ir.Table, group: ItemGroup) -> ir.BooleanValue:
    """Which items belong to a group."""
    # No item is without a code: of a group without any, no item is held.
    found = items.item_code.isin(group.codes) if group.codes else items.item_code.isnull()
    for prefix in group.prefixes:
        found = found | items.item_code.startswith(prefix)
    return found


def _looked_up(column: ir.StringValue, names: Mapping[str, str]) -> ir.StringValue:
    return ibis.cases(*((column == key, str(name)) for key, name in names.items()))


def _codes(column: ir.StringValue) -> ir.StringValue:
    """Codes joined by single semicolons; null for none."""
    return column.replace(" ", "").nullif("")
