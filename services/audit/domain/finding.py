"""What the rules say of a claim beside the person's other claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.audit.domain.case import Case
from services.audit.domain.claim import Claim
from services.audit.domain.hit import Answer, Hit
from services.audit.domain.rule import Grade, Mode, Rule, RuleBook, RuleSet
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's word on one claim. `at_risk` is what the fund paid without ground; `rival_id` is
    the other claim where the rule takes two; a shadow finding is recorded and raises no flag."""

    pool_code: str
    institution_code: str
    claim_id: UUID
    rival_id: UUID | None
    rule: str
    rule_version: int
    rule_family: str
    rule_set: str
    grade: Grade
    shadow: bool
    evidence: Mapping[str, str]
    at_risk: Money

    @property
    def key(self) -> tuple[UUID, UUID | None, str, int]:
        """What is recorded once: claim, rival, rule and its version."""
        return (self.claim_id, self.rival_id, self.rule, self.rule_version)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of judging one claim: findings on it or on the person's other claims, and the
    rules that were silent for want of a fact."""

    findings: Sequence[Finding]
    silent: Sequence[str]


def ask(rule: Rule, case: Case, others: Sequence[Case]) -> Answer:
    """What one rule says of a case. A rule of other insurances is not concerned."""
    if case.insurance_type is not None and case.insurance_type not in rule.insurance_types:
        return []
    return rule.parameters.hits(case, others)


def judge(
    claim: Claim,
    others: Sequence[Claim],
    cases: Mapping[UUID, Case],
    book: RuleBook,
    month_end_unrecorded: int | None = None,
) -> Judged:
    """All findings that a newly heard claim gives rise to; `cases` are what rules see of the live
    ones of these claims, made once for a person and not once for each of her claims.

    A rule of two claims may question either: no order between claims is promised. The rules are
    those in force on the day on which the questioned claim was settled. `month_end_unrecorded` is
    what was counted for it (`month_end`).
    """
    if not claim.is_live:
        return Judged([], [])
    live = [other for other in others if other.is_live and other.claim_id != claim.claim_id]
    case = replace(cases[claim.claim_id], month_end_unrecorded=month_end_unrecorded)
    beside = [cases[other.claim_id] for other in live]
    rule_set = book.in_force(claim.settled_on)
    findings: list[Finding] = []
    silent: list[str] = []
    for rule in rule_set.rules:
        answer = ask(rule, case, beside)
        if answer is None:
            silent.append(rule.id)
        else:
            findings += [_finding(claim, rule, rule_set, hit) for hit in answer]
    for other, its_case in zip(live, beside, strict=True):
        findings += _shown_by(case, other, its_case, book.in_force(other.settled_on))
    return Judged(findings, silent)


def _shown_by(case: Case, other: Claim, beside: Case, rule_set: RuleSet) -> list[Finding]:
    """What a new case lets be found on an older claim."""
    return [
        _finding(other, rule, rule_set, hit)
        for rule in rule_set.of_two
        for hit in ask(rule, beside, [case]) or ()
    ]


def _finding(claim: Claim, rule: Rule, rule_set: RuleSet, hit: Hit) -> Finding:
    return Finding(
        pool_code=claim.pool_code,
        institution_code=claim.institution_code,
        claim_id=claim.claim_id,
        rival_id=None if hit.rival_id is None else UUID(hit.rival_id),
        rule=rule.id,
        rule_version=rule.version,
        rule_family=rule.family,
        rule_set=rule_set.version,
        grade=rule.grade,
        shadow=rule.mode is Mode.SHADOW,
        evidence=hit.evidence,
        at_risk=hit.at_risk,
    )
