"""The forms of audit's answers on rules."""

from __future__ import annotations

from services.audit.api.shown import DayText, Shown
from services.audit.domain.asked_of import AskedOf
from services.audit.domain.predicate import OnePredicate
from services.audit.domain.rule import FundType, Grade, Mode, Scene, Stage, Window


class RuleShown(Shown):
    """One version of one rule. Of `reviewed` flags `confirmed` proved right; `on_trial` it is kept
    from speaking because these are too few. `asked_of` tells where it can find anything: in claims
    that were settled, in checks before the claim."""

    id: str
    version: int
    family: str
    grade: Grade
    mode: Mode
    window: Window
    scenes: list[Scene]
    stages: list[Stage]
    asked_of: list[AskedOf]
    fund_type: FundType
    insurance_types: list[str]
    in_force: bool
    reviewed: int
    confirmed: int
    on_trial: bool
    valid_from: DayText
    valid_until: DayText | None
    example_thresholds: list[str]
    parameters: OnePredicate
    title: str
    title_zh: str
    legal_basis: str
    legal_basis_zh: str


class RulesShown(Shown):
    """All versions of all rules, and the set in force today."""

    rule_set: str
    rules: list[RuleShown]
