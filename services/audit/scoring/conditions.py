"""What the expressions of several predicates ask of the table of cases."""

from __future__ import annotations

import re
from collections.abc import Sequence

import ibis
from ibis.expr import types as ir

from services.audit.domain.case import Benefit


def hits(cases: ir.Table, met: ir.BooleanValue, excess: ir.IntegerValue) -> ir.Table:
    """The cases where a condition holds, with their excess."""
    return cases.filter(met).select(claim_id=cases.claim_id, excess_fen=excess.cast("int64"))


def whole_fund(cases: ir.Table, met: ir.BooleanValue) -> ir.Table:
    """The cases where a condition holds, the whole fund part at risk."""
    return hits(cases, met, cases.fund_fen)


def at_risk(cases: ir.Table, amount: ir.IntegerValue) -> ir.IntegerValue:
    """How much of a disputed amount can be the fund's."""
    return ibis.greatest(ibis.literal(0), ibis.least(amount, cases.fund_fen))


def of_benefits(cases: ir.Table, benefits: Sequence[Benefit]) -> ir.BooleanValue:
    """Whether a case is claimed as one of these."""
    return cases.benefit.isin([str(benefit) for benefit in benefits])


def any_code(codes: ir.StringValue, prefixes: Sequence[str]) -> ir.BooleanValue:
    """Whether one of the codes begins like one of these; false where none was told."""
    if not prefixes:
        return ibis.literal(False)
    begins = "|".join(re.escape(prefix) for prefix in prefixes)
    return codes.re_search(f"(^|;)({begins})").fill_null(False)
