"""Rules as data: one file a version, strict and complete, and the set in force on a day."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from string import Formatter
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from services.audit.domain.item_group import SHIPPED_GROUPS, GroupsOfPools
from services.audit.domain.predicate import OnePredicate

RULES = Path(__file__).parent / "rules"

EVIDENCE = frozenset({"claim", "institution", "rule", "version", "legal_basis"})
"""What each explanation names, beside the `evidence` of its predicate; of a single case also what
is `at_risk`."""


class Grade(StrEnum):
    """How sure a rule is: a breach by itself, or a reason to look."""

    VIOLATION = "violation"
    SUSPICIOUS = "suspicious"


class Mode(StrEnum):
    """Whether a rule raises flags, or only records what it finds."""

    LIVE = "live"
    SHADOW = "shadow"


class Window(StrEnum):
    """Over what a rule looks at once."""

    VISIT = "visit"
    STAY = "stay"
    DAY = "day"
    PREGNANCY = "pregnancy"


class Scene(StrEnum):
    """Where the care is given."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"


class Stage(StrEnum):
    """When a rule is asked: before the care is ordered, in the stay until it is settled, after."""

    BEFORE = "before"
    IN = "in"
    AFTER = "after"


class FundType(StrEnum):
    """Which item of the fund the money at risk belongs to."""

    MATERNITY = "maternity"
    MEDICAL = "medical"


_Member = TypeVar("_Member", bound=StrEnum)
_Some = Annotated[list[Annotated[_Member, Field(strict=False)]], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Words(_Strict):
    """One text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _LegalSource(_Strict):
    document: Words
    number: Words


_LEGAL_SOURCES = TypeAdapter(dict[str, _LegalSource]).validate_python(
    tomllib.loads(Path(__file__).with_name("legal_sources.toml").read_text(encoding="utf-8"))
)


class LegalBasis(_Strict):
    """The articles of a document that a rule stands on. A file names one that ships by its key,
    `source`, and any other by what it is called; the rule, and so the hash of its set, is the same.
    """

    document: Words
    number: Words
    articles: list[int] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _with_its_source(cls, told: object) -> object:
        if not isinstance(told, dict) or "source" not in told:
            return told
        rest = {key: value for key, value in told.items() if key != "source"}
        source = _LEGAL_SOURCES.get(str(told["source"]))
        if source is None or rest.keys() & _LegalSource.model_fields:
            raise ValueError(f"source: one of {sorted(_LEGAL_SOURCES)}, or a document written out")
        return rest | {"document": source.document, "number": source.number}


class Rule(_Strict):
    """One version of one rule, valid from a day until its next version, or until the day
    `valid_until`, which is the first without it.

    `example_thresholds` names the parameters whose values no source gives: an agency sets its own.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    family: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    version: int = Field(ge=1)
    grade: Grade = Field(strict=False)
    mode: Mode = Field(strict=False)
    window: Window = Field(strict=False)
    scenes: _Some[Scene]
    stages: _Some[Stage]
    fund_type: FundType = Field(strict=False)
    insurance_types: list[Annotated[str, Field(pattern=r"^[0-9]{3}$")]] = Field(min_length=1)
    valid_from: date
    valid_until: date | None = None
    legal_basis: list[LegalBasis] = Field(min_length=1)
    example_thresholds: list[str]
    parameters: OnePredicate
    title: Words
    explanation: Words

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("a rule ends after it began")
        strange = set(self.example_thresholds) - set(type(self.parameters).model_fields)
        if strange:
            raise ValueError(f"{sorted(strange)} are no parameters")
        evidence = EVIDENCE | self.parameters.evidence
        evidence |= frozenset() if self.parameters.takes_two else {"at_risk"}
        for text in (self.explanation.zh, self.explanation.en):
            named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            if named != evidence:
                raise ValueError(f"an explanation names {sorted(named ^ evidence)} amiss")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether this version is valid on a day, later versions aside."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True)
class RuleSet:
    """The rules in force on one day; `version` is the hash of their content."""

    version: str
    rules: tuple[Rule, ...]

    @cached_property
    def of_two(self) -> tuple[Rule, ...]:
        """Those that take two claims."""
        return tuple(rule for rule in self.rules if rule.parameters.takes_two)


OWN_VERSIONS = 1000
"""An agency numbers its own versions of rules from here on: from their first day they stand above
whatever ships, also above what a later release brings."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All versions of all rules, each rule's versions in order, and the groups of items that they
    speak of."""

    rules: tuple[Rule, ...]
    groups: GroupsOfPools
    _of_days: dict[date, RuleSet] = field(default_factory=dict, compare=False, repr=False)
    # Hashing a set costs a millisecond, and hardly two days differ in the rules in force.
    _sets: dict[tuple[tuple[str, int], ...], RuleSet] = field(
        default_factory=dict, compare=False, repr=False
    )

    def in_force(self, on: date) -> RuleSet:
        """The newest version of each rule that is valid on a day; it may be none."""
        known = self._of_days.get(on)
        if known is None:
            begun = [rule for rule in self.rules if rule.valid_from <= on]
            those = [rule for rule in _newest(begun) if rule.holds_on(on)]
            named = tuple((rule.id, rule.version) for rule in those)
            known = self._sets.get(named) or _as_set(those)
            self._of_days[on] = self._sets[named] = known
        return known

    def newest(self) -> RuleSet:
        """The newest version of each rule, whatever its days: what a file of history is asked."""
        return _as_set(_newest(self.rules))

    def find(self, rule_id: str, version: int) -> Rule | None:
        """One version of one rule; None where it is not among them: an agency may have taken its
        own away, or gone back to an older release."""
        named = (rule_id, version)
        return next((rule for rule in self.rules if (rule.id, rule.version) == named), None)


def _newest(rules: Sequence[Rule]) -> list[Rule]:
    return [list(group)[-1] for _, group in groupby(rules, key=lambda rule: rule.id)]


def _as_set(rules: Sequence[Rule]) -> RuleSet:
    content = "\n".join(rule.model_dump_json() for rule in rules)
    return RuleSet(hashlib.sha256(content.encode()).hexdigest()[:16], tuple(rules))


def compile_rules(texts: Sequence[str], groups: GroupsOfPools = SHIPPED_GROUPS) -> RuleBook:
    """Compile rule files. Raises ValueError for one that is not whole, or for two that clash."""
    return as_book([compile_rule(text, groups) for text in texts], groups)


def compile_rule(text: str, groups: GroupsOfPools) -> Rule:
    """Compile one file. Raises ValueError for one that is not whole."""
    return Rule.model_validate(
        tomllib.loads(text, parse_float=Decimal), context=groups.of_all.by_name.keys()
    )


def as_book(compiled: Iterable[Rule], groups: GroupsOfPools) -> RuleBook:
    """The book of some versions of rules. Raises ValueError where two clash."""
    rules = sorted(compiled, key=lambda rule: (rule.id, rule.version))
    for earlier, later in pairwise(rules):
        if earlier.id != later.id:
            continue
        one_line = (earlier.version < OWN_VERSIONS) == (later.version < OWN_VERSIONS)
        one_day = one_line and earlier.valid_from >= later.valid_from
        if earlier.version == later.version or one_day:
            raise ValueError(f"two versions of {later.id} for one day")
        if earlier.family != later.family:
            raise ValueError(f"{later.id} changes its family")
    return RuleBook(tuple(rules), groups)


def read_rules(folder: Path = RULES) -> RuleBook:
    """The rules of a folder that speak of the groups of items that ship."""
    return compile_rules([p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.toml"))])
