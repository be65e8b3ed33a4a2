"""A person who cannot have had what is claimed, or has no claim to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from services.audit.domain.case import Case, Sex
from services.audit.domain.hit import Answer, Benefits, Hit, Predicate, Prefixes, begins_with


class SexContradiction(Predicate):
    """The person's sex is `sex`, and what is claimed is the other sex's.

    Where `procedures` or `diagnoses` are named, only a case with a code that begins like one of
    them is meant.
    """

    evidence: ClassVar[frozenset[str]] = frozenset({"benefit", "sex", "codes"})

    predicate: Literal["sex-contradiction"]
    sex: Sex = Field(strict=False)
    benefits: Benefits
    diagnoses: Prefixes = Field([])
    procedures: Prefixes = Field([])

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit not in self.benefits:
            return []
        if case.sex is None:
            return None
        if case.sex is not self.sex:
            return []
        codes: list[str] = []
        if self.diagnoses or self.procedures:
            if case.diagnoses is None and case.procedures is None:
                return None
            codes = begins_with(case.diagnoses or (), self.diagnoses)
            codes += begins_with(case.procedures or (), self.procedures)
            if not codes:
                return []
        told = {"benefit": case.benefit, "sex": case.sex, "codes": ", ".join(codes) or "-"}
        return [Hit(case.fund_part(), told)]


class AgeOutside(Predicate):
    """The person is younger than `age_min` or older than `age_max`, in whole years on the day of
    the event."""

    evidence: ClassVar[frozenset[str]] = frozenset({"benefit", "age", "age_min", "age_max"})

    predicate: Literal["age-outside"]
    benefits: Benefits
    age_min: int = Field(ge=0, le=120)
    age_max: int = Field(ge=0, le=120)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit not in self.benefits:
            return []
        if case.age is None:
            return None
        if self.age_min <= case.age <= self.age_max:
            return []
        return [Hit(case.fund_part(), {"benefit": case.benefit, "age": str(case.age)})]


class NotInsured(Predicate):
    """The person was not insured, or her benefits stood still, on the day of the event."""

    evidence: ClassVar[frozenset[str]] = frozenset({"benefit", "event_on"})
    needs = frozenset({"insured"})

    predicate: Literal["not-insured"]
    benefits: Benefits

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit not in self.benefits:
            return []
        if case.insured is None:
            return None
        if case.insured:
            return []
        told = {"benefit": case.benefit, "event_on": case.event.isoformat()}
        return [Hit(case.fund_part(), told)]
