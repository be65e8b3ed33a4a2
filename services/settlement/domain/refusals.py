"""Why the law says no: one closed, numbered list.

A number is given once and never again, also when its refusal goes. 1001 and up: the state of
stays, pregnancies and settlements; 2001 and up: policy and entitlement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from shared.period import Month
from shared.policy.rules import Citation


class Refusal(Enum):
    """Each: number, slug, and whether the same call may succeed later."""

    INTERRUPTED = (2001, "interrupted", False)
    WAITING_PERIOD_NOT_MET = (2002, "waiting_period_not_met", False)
    NOT_INSURED_THEN = (2003, "not_insured_then", False)
    NO_RULE_ON_DATE = (2004, "no_rule_on_date", False)
    NOT_COVERED = (2005, "not_covered", False)
    POOL_UNKNOWN = (2006, "pool_unknown", False)
    LEVEL_NOT_STATED = (2007, "level_not_stated", False)
    COST_NOT_STATED = (2008, "cost_not_stated", False)
    BENEFIT_NOT_OFFERED = (2009, "benefit_not_offered", False)
    CASE_MALFORMED = (2010, "case_malformed", False)

    def __init__(self, number: int, slug: str, retryable: bool) -> None:
        self.number = number
        self.slug = slug
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal with the article behind it (None where no rule could be asked) and the values
    that led to it, by name."""

    refusal: Refusal
    citation: Citation | None = None
    values: tuple[tuple[str, str | int | Month], ...] = ()
