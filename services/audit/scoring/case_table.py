"""A file of claims as the table of cases that rules are asked of, column for column what
`domain.case.Case` says of one. A column that is null was not told.

Input has the columns of a claims file with its amounts in whole fen; `items`, where there is one,
the columns claim_id, item_code, quantity, amount (fen), first_day, last_day, one row a claim and
code. A file does not tell when a claim was filed and on which day of the stay the event was: the
day of discharge and the day of admission stand for them. No procedures or diagnoses coded at all
are taken as not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit, Sex
from services.audit.domain.item_group import ITEM_GROUPS

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
    claims: ir.Table, items: ir.Table | None = None, groups: Iterable[str] = ITEM_GROUPS
) -> ir.Table:
    """Claims as cases; `groups` are the groups of items that will be asked for."""
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
    return table if items is None else _with_items(table, items, groups)


def _with_items(table: ir.Table, items: ir.Table, groups: Iterable[str]) -> ir.Table:
    """What a claim's items tell of a group holds over what its sums tell."""
    wanted = list(groups)
    billed = items.group_by("claim_id").aggregate(
        **{f"{g}_item_fen": _within(items, g, items.amount.cast("int64")) for g in wanted},
        **{
            f"{g}_item_quantity": _within(items, g, (items.quantity * ITEM_SCALE).cast("int64"))
            for g in wanted
        },
    )
    joined = table.left_join(billed, "claim_id").drop("claim_id_right")
    told = {}
    for column in (f"{g}_{what}" for g in wanted for what in ("fen", "quantity")):
        group, _, what = column.rpartition("_")
        of_items = joined[f"{group}_item_{what}"]
        told[column] = of_items.coalesce(joined[column]) if column in table.columns else of_items
    return joined.mutate(**told).select(
        *table.columns, *(name for name in told if name not in table.columns)
    )


def _within(items: ir.Table, group: str, value: ir.IntegerValue) -> ir.IntegerValue:
    those = ITEM_GROUPS[group]
    held = items.item_code.isin(those.codes) if those.codes else ibis.literal(False)
    for prefix in those.prefixes:
        held = held | items.item_code.startswith(prefix)
    return held.ifelse(value, 0).sum()


def _looked_up(column: ir.StringValue, names: Mapping[str, str]) -> ir.StringValue:
    return ibis.cases(*((column == key, str(name)) for key, name in names.items()))


def _codes(column: ir.StringValue) -> ir.StringValue:
    """Codes joined by single semicolons; null for none."""
    return column.replace(" ", "").nullif("")
