"""What the rules say of a claim beside the person's other claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.duplicate import days_between
from services.audit.domain.rule import Grade, RuleBook
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's word on one claim. `at_risk` is what the fund paid without ground."""

    pool_code: str
    institution_code: str
    claim_id: UUID
    rival_id: UUID
    rule: str
    rule_version: int
    rule_family: str
    rule_set: str
    grade: Grade
    days_between: int
    at_risk: Money


def judge(claim: Claim, others: Sequence[Claim], book: RuleBook) -> list[Finding]:
    """All findings that a newly heard claim gives rise to.

    A finding is always on the claim settled later, which may be the one heard earlier: no order
    between claims is promised. Its rules are those in force on the day it was settled.
    """
    findings = []
    for day in sorted({claim.settled_on, *(other.settled_on for other in others)}):
        rule_set = book.in_force(day)
        for rule in rule_set.rules:
            for later, earlier in rule.parameters.pairs(claim, others):
                if later.settled_on != day:
                    continue
                findings.append(
                    Finding(
                        pool_code=later.pool_code,
                        institution_code=later.institution_code,
                        claim_id=later.claim_id,
                        rival_id=earlier.claim_id,
                        rule=rule.id,
                        rule_version=rule.version,
                        rule_family=rule.family,
                        rule_set=rule_set.version,
                        grade=rule.grade,
                        days_between=days_between(later, earlier),
                        at_risk=later.parts.fund,
                    )
                )
    return findings
