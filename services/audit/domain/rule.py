"""Rules as data: one file a version, strict and complete, and the set in force on a day."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from services.audit.domain.duplicate import DuplicateClaim
from services.audit.domain.overlap import OverlappingClaim

RULES = Path(__file__).parent / "rules"

EVIDENCE = frozenset(
    {
        *("claim", "institution", "event_on", "settled_on", "fund"),
        *("rival", "rival_institution", "rival_event_on", "rival_settled_on", "rival_fund"),
        *("days", "rule", "version", "legal_basis"),
    }
)
"""What an explanation may and must name, beside the `evidence` of its predicate."""

Predicate = Annotated[DuplicateClaim | OverlappingClaim, Field(discriminator="predicate")]


class Grade(StrEnum):
    """How sure a rule is: a breach by itself, or a reason to look."""

    VIOLATION = "violation"
    SUSPICIOUS = "suspicious"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Words(_Strict):
    """One text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class LegalBasis(_Strict):
    """The articles of a document that a rule stands on."""

    document: Words
    number: Words
    articles: list[int] = Field(min_length=1)


class Rule(_Strict):
    """One version of one rule, valid from a day until its next version."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    family: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    version: int = Field(ge=1)
    grade: Grade = Field(strict=False)
    valid_from: date
    legal_basis: list[LegalBasis] = Field(min_length=1)
    parameters: Predicate
    title: Words
    explanation: Words

    @field_validator("explanation")
    @classmethod
    def _names_all_evidence(cls, words: Words, info: ValidationInfo) -> Words:
        parameters = info.data.get("parameters")
        evidence = EVIDENCE | (parameters.evidence if parameters is not None else frozenset())
        for text in (words.zh, words.en):
            named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            if named != evidence:
                raise ValueError(f"an explanation names {sorted(named ^ evidence)} amiss")
        return words


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules in force on one day; `version` is the hash of their content."""

    version: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All versions of all rules, each rule's versions in order."""

    rules: tuple[Rule, ...]

    def in_force(self, on: date) -> RuleSet:
        """The newest version of each rule that is valid on a day; it may be none."""
        valid = [rule for rule in self.rules if rule.valid_from <= on]
        newest = tuple(list(group)[-1] for _, group in groupby(valid, key=lambda rule: rule.id))
        content = "\n".join(rule.model_dump_json() for rule in newest)
        return RuleSet(hashlib.sha256(content.encode()).hexdigest()[:16], newest)

    def find(self, rule_id: str, version: int) -> Rule:
        """One version of one rule. Raises KeyError for one that never was."""
        for rule in self.rules:
            if (rule.id, rule.version) == (rule_id, version):
                return rule
        raise KeyError(rule_id, version)


def compile_rules(texts: Sequence[str]) -> RuleBook:
    """Compile rule files. Raises ValueError for one that is not whole, or for two that clash."""
    rules = sorted(
        (Rule.model_validate(tomllib.loads(text, parse_float=Decimal)) for text in texts),
        key=lambda rule: (rule.id, rule.version),
    )
    for earlier, later in pairwise(rules):
        if earlier.id != later.id:
            continue
        if earlier.version == later.version or earlier.valid_from >= later.valid_from:
            raise ValueError(f"two versions of {later.id} for one day")
        if earlier.family != later.family:
            raise ValueError(f"{later.id} changes its family")
    return RuleBook(tuple(rules))


def read_rules(folder: Path = RULES) -> RuleBook:
    """The rules of a folder."""
    return compile_rules([p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.toml"))])
