"""A family that flags are asked for by: one of those that there are."""

from __future__ import annotations

from services.audit.api.refusals import KINDS
from services.audit.domain.family import families
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import RuleBook
from shared.plumbing.problems import Fault, Problem


def check_family(family: str | None, book: RuleBook) -> None:
    """Refuse a family, if one is named, that there is not: a misspelt name would seem to be one of
    which no flag waits. Raises Problem."""
    known = families(book)
    if family is not None and family not in known:
        raise Problem(KINDS[Refusal.RULE_UNKNOWN], [Fault("/family", "enum", known=known)])
