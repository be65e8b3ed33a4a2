"""The obstetric grouping as Ibis expressions over codes joined by semicolons, none of them blank.

Null stands where the grouping in `domain.grouping` says no group, and inside for what only a list
that is not available could say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import ibis
from ibis.expr import types as ir

from services.audit.domain.grouping import Diagnoses, Group, Grouping

_NO, _YES = ibis.literal(False), ibis.literal(True)
_UNKNOWN = ibis.null("boolean")


class _Record(NamedTuple):
    """What is asked of a record: its principal diagnosis, `;` around and twice between the others,
    its main procedure ("" for none)."""

    principal: ir.StringValue
    secondary: ir.StringValue
    main: ir.StringValue


def adjacent_group(
    version: Grouping, diagnoses: ir.StringValue, procedures: ir.StringValue
) -> ir.StringValue:
    """The adjacent group of each record, null where it has none."""
    told, done = diagnoses.fill_null(""), procedures.fill_null("")
    others = _apart(told.re_replace("^[^;]*;?", ""))
    record = _Record(told.split(";")[0], others, done.split(";")[0])
    enters = _starts(record.principal, version.categories) & ~record.principal.isin(version.outside)
    steps: list[tuple[ir.BooleanValue, ir.StringValue]] = [(~enters, ibis.null("string"))]
    for number, one in enumerate(version.group):
        fits = _fits(version, one, version.group[number + 1 :], record)
        steps += [(fits.isnull(), ibis.null("string")), (fits, ibis.literal(one.adrg))]
    return ibis.cases(*steps, else_=ibis.null("string"))


def lifted_by_episiotomy(
    version: Grouping, diagnoses: ir.StringValue, procedures: ir.StringValue
) -> ir.BooleanValue:
    """Whether an episiotomy alone moves the record into another group."""
    apart = _apart(procedures.fill_null(""))
    without = _joined(_less(apart, version.episiotomy))
    before = adjacent_group(version, diagnoses, without)
    after = adjacent_group(version, diagnoses, procedures)
    moved = (before != after).fill_null(False)
    return moved & (without != _joined(apart))


def _fits(
    version: Grouping, one: Group, later: Sequence[Group], record: _Record
) -> ir.BooleanValue:
    if one.surgical:
        return _operated(one, later, record)
    asked = _asks_for(one, record)
    if one.diagnoses and one.diagnoses.of == "principal":
        return record.principal.isin(version.in_no_list).ifelse(_NO, asked)
    return asked


def _operated(one: Group, later: Sequence[Group], record: _Record) -> ir.BooleanValue:
    asked, none = _asks_for(one, record), record.main == ""
    if one.procedures:
        return (record.main.isin(list(one.procedures)) & ~none).ifelse(asked, _NO)
    named = _any(
        record.main.isin(list(g.procedures)) & _asks_for(g, record).fill_null(False)
        for g in later
        if g.procedures
    )
    return (none | ~asked.fill_null(True) | named).ifelse(_NO, _UNKNOWN)


def _asks_for(one: Group, record: _Record) -> ir.BooleanValue:
    return _YES if one.diagnoses is None else _holds(one.diagnoses, record)


def _holds(asked: Diagnoses, record: _Record) -> ir.BooleanValue:
    if asked.of == "principal":
        known = record.principal.isin(asked.codes) if asked.codes else _NO
        within = _starts(record.principal, asked.categories)
        if asked.unlike:
            within = within & ~record.principal.isin(asked.unlike)
    else:
        known = _any(record.secondary.contains(f";{code};") for code in asked.codes)
        within = _any(
            _less(record.secondary, asked.unlike).contains(f";{category}")
            for category in asked.categories
        )
    return ibis.cases((known, _YES), (within, _YES if asked.whole else _UNKNOWN), else_=_NO)


def _starts(code: ir.StringValue, categories: Sequence[str]) -> ir.BooleanValue:
    return code.re_search(f"^({'|'.join(map(re.escape, categories))})") if categories else _NO


def _any(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return reduce(or_, conditions, _NO)


def _apart(codes: ir.StringValue) -> ir.StringValue:
    """Each code between two semicolons of its own."""
    return (codes == "").ifelse("", ibis.literal(";") + codes.replace(";", ";;") + ";")


def _joined(apart: ir.StringValue) -> ir.StringValue:
    return apart.replace(";;", ",").replace(";", "").replace(",", ";")


def _less(apart: ir.StringValue, codes: Sequence[str]) -> ir.StringValue:
    return reduce(lambda left, code: left.replace(f";{code};", ""), codes, apart)
