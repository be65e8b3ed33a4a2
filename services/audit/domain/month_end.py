"""Births of women of whom nothing was heard before, at the end of their hospital's month.

How many there are no claim tells by itself: it is counted over the hospital's claims, for the rule
that asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.audit.domain.claim import Claim
from services.audit.domain.rule import Rule, RuleBook
from services.audit.domain.stays import NoPrenatalRecord


@dataclass(frozen=True, slots=True)
class Asked:
    """Over how many days at a month's end births are counted, and how many days before a birth a
    prenatal visit is looked for."""

    month_end_days: int
    lookback_days: int


def asked_by(rules: Iterable[Rule], claim: Claim) -> Asked | None:
    """What the rules need counted for a claim; None for one that they do not ask it of."""
    if claim.benefit != "delivery":
        return None
    for rule in rules:
        one = rule.parameters
        if isinstance(one, NoPrenatalRecord) and one.at_month_end(claim.discharged_on):
            return Asked(one.month_end_days, one.lookback_days)
    return None


def asked_in_force(book: RuleBook, claim: Claim) -> Asked | None:
    """What the rules of the day on which a claim was settled need counted for it."""
    return asked_by(book.in_force(claim.settled_on).rules, claim)
