"""Families: what flags on claims are about, of the rule book's and of picks."""

from __future__ import annotations

from services.audit.domain.pick import FAMILIES
from services.audit.domain.rule import RuleBook


def families(book: RuleBook) -> list[str]:
    """All that flags can be of."""
    return sorted({rule.family for rule in book.rules} | set(FAMILIES.values()))
