"""A check before the claim: which rules warn of a case that is not settled yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.audit.domain.case import Case
from services.audit.domain.finding import ask
from services.audit.domain.hit import Hit
from services.audit.domain.rule import Grade, Mode, Rule, RuleSet, Stage


class Advice(StrEnum):
    """What a hospital should do with a case: file it, file it and expect a question, or put it
    right first."""

    PROCEED = "proceed"
    EXPECT_REVIEW = "expect_review"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Warned:
    """What was found of one case; `silent` are the rules that lacked a fact."""

    case: Case
    hits: Sequence[tuple[Rule, Hit]]
    silent: Sequence[str]

    @property
    def advice(self) -> Advice:
        """A breach is put right before it is filed; what is only suspicious is filed and paid."""
        if any(rule.grade is Grade.VIOLATION for rule, _ in self.hits):
            return Advice.HOLD
        return Advice.EXPECT_REVIEW if self.hits else Advice.PROCEED


def check(
    case: Case,
    others: Sequence[Case],
    rule_set: RuleSet,
    stage: Stage,
    muted: Collection[str] = (),
) -> Warned:
    """Ask the live rules of a stage of a case; `muted` are the rules that its institution does not
    hear of for now."""
    hits: list[tuple[Rule, Hit]] = []
    silent: list[str] = []
    for rule in rule_set.rules:
        if rule.mode is not Mode.LIVE or stage not in rule.stages or rule.id in muted:
            continue
        answer = ask(rule, case, others)
        if answer is None:
            silent.append(rule.id)
        else:
            hits += [(rule, hit) for hit in answer]
    return Warned(case, hits, silent)


class Way(StrEnum):
    """What a hospital did about a warning."""

    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class WarningAnswer:
    """A hospital's answer to one warning of a check; a warning that it keeps has a reason."""

    case_ref: str
    rule: str
    way: Way
    reason: str
