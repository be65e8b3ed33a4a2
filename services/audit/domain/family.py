"""Families: what flags on claims are about, of the rule book's and of picks."""

from __future__ import annotations

from services.audit.domain.pick import FAMILIES
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import RuleBook


def family_refused(family: str | None, book: RuleBook) -> Refusal | None:
    """Why flags of a family, if one is named, are not looked for: a misspelt name would seem to be
    a family of which no flag waits."""
    if family is None or family in FAMILIES.values():
        return None
    known = any(rule.family == family for rule in book.rules)
    return None if known else Refusal.RULE_UNKNOWN
