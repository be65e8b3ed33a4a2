"""Circumstances under which the fund does not pay, or pays first, or medical insurance pays."""

from __future__ import annotations

from dataclasses import dataclass

from services.settlement.domain.case import Case
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind
from shared.policy.book import Day
from shared.policy.cells import EXCLUSIONS
from shared.policy.rules import Citation


@dataclass(frozen=True, slots=True)
class Admitted:
    """The case is paid; `to_medical` cites the clause that leaves it to medical insurance."""

    steps: tuple[Step, ...] = ()
    rate_ids: tuple[str, ...] = ()
    to_medical: Citation | None = None


_PLAIN = Admitted()


def admitted(case: Case, rules: Day) -> Admitted | Refused:
    """Whether the circumstances of a case let the fund pay; a pool without exclusions pays."""
    if not case.circumstances:
        return _PLAIN
    rule = rules.ask_if_any(EXCLUSIONS)
    if rule is None:
        return _PLAIN
    terms, found = rule.value, sorted(case.circumstances)
    for circumstance in found:
        lifted = any(other in terms.unless.get(circumstance, ()) for other in found)
        if circumstance in terms.refused and not lifted:
            values = (("circumstance", circumstance.value),)
            return Refused(Refusal.EXCLUDED, rule.citation, values)
    steps = tuple(
        Step(StepKind.FUND_PAYS_FIRST, rule.citation, None, (("circumstance", each.value),))
        for each in found
        if each in terms.fund_first
    )
    handed = any(circumstance in terms.to_medical for circumstance in found)
    return Admitted(steps, (rule.rate_id,), rule.citation if handed else None)
