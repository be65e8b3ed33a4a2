"""Of what a rule can say anything: of claims that settlement told of, of cases that a hospital asks
about before it files them, or of both."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from services.audit.domain.case import Benefit
from services.audit.domain.rule import Mode, Rule


class AskedOf(StrEnum):
    """What a rule can speak on."""

    CLAIMS = "claims"
    CHECKS = "checks"


LACKING = {
    AskedOf.CLAIMS: frozenset({"insured", "list_price"}),
    AskedOf.CHECKS: frozenset({"mode_stated", "month_end_unrecorded"}),
}
"""The facts that are never told there."""

TOLD = {
    AskedOf.CLAIMS: frozenset(Benefit)
    - {Benefit.ANTEPARTUM, Benefit.ORDINARY_INPATIENT, Benefit.ORDINARY_OUTPATIENT},
    AskedOf.CHECKS: frozenset(Benefit),
}
"""The benefits that are told there: what medical insurance pays settlement does not settle."""


def asked_of(rule: Rule) -> list[AskedOf]:
    """Where a rule can find something; elsewhere nobody need wait for it. A hospital is told of no
    rule on trial."""
    benefits: Collection[Benefit] = getattr(rule.parameters, "benefits", tuple(Benefit))
    return [
        where
        for where in AskedOf
        if not rule.parameters.needs & LACKING[where]
        and not TOLD[where].isdisjoint(benefits)
        and (where is AskedOf.CLAIMS or rule.mode is Mode.LIVE)
    ]
