"""What the rules find in a file of claims: the columnar twin of asking each rule of each case."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
from ibis.expr import types as ir

from services.audit.domain.item_group import SHIPPED_GROUPS, ItemGroups
from services.audit.domain.items import DaysBeyondStay, ForbiddenItem, MissingItem, TooOften
from services.audit.domain.rule import Rule
from services.audit.domain.stays import LowStandardAdmission
from services.audit.domain.when import (
    DuplicateClaim,
    OverlappingClaim,
    OverlappingStays,
    RepeatedClaim,
)
from services.audit.scoring.case_table import cases
from services.audit.scoring.rule_expressions import expression

COLUMNS = {"claim_id": "string", "rule_id": "string", "grade": "string", "excess_fen": "int64"}


def rule_hits(
    claims: ir.Table,
    rules: Sequence[Rule],
    items: ir.Table | None = None,
    groups: ItemGroups = SHIPPED_GROUPS.of_all,
) -> ir.Table:
    """One row a claim and rule that holds of it: claim_id, rule_id, grade, and excess_fen, the fen
    of the fund that are at risk.

    `claims` and `items` are as `case_table.cases` takes them, `groups` those that the items are
    read by. All rules given are asked of all
    claims, shadow rules too, whatever the days on which they are in force.
    """
    table = cases(claims, items, groups_of(rules), groups)
    found = [
        (rule, hits)
        for rule in rules
        if (hits := expression(rule.parameters, table, items, groups)) is not None
    ]
    if not found:
        return ibis.memtable([], schema=ibis.schema(COLUMNS))
    return reduce(
        lambda all_, more: all_.union(more),
        (
            hits.mutate(rule_id=ibis.literal(rule.id), grade=ibis.literal(str(rule.grade))).select(
                *COLUMNS
            )
            for rule, hits in found
        ),
    )


def groups_of(rules: Sequence[Rule]) -> list[str]:
    """The groups of items that rules ask for."""
    named: set[str] = set()
    for rule in rules:
        match rule.parameters:
            case DaysBeyondStay(group=group) | TooOften(group=group) | ForbiddenItem(group=group):
                named.add(group)
            case MissingItem(groups=groups) | LowStandardAdmission(groups=groups):
                named.update(groups)
            case _:
                pass
    return sorted(named)


def exclude_each_other(rules: Sequence[Rule]) -> list[str]:
    """Ids of the rules that find one of two claims of a person which cannot both be right."""
    kinds = (DuplicateClaim, OverlappingClaim, OverlappingStays, RepeatedClaim)
    return [rule.id for rule in rules if isinstance(rule.parameters, kinds)]
