"""Codes that contradict what is claimed, or that alone lift it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from services.audit.domain.case import Case
from services.audit.domain.grouping import episiotomy_moves, known_grouping, read_groupings
from services.audit.domain.hit import Answer, Benefits, Hit, Predicate, Prefixes, begins_with
from shared.money import NOTHING

SomePrefixes = Annotated[Prefixes, Field(min_length=1)]


class CodedOtherwise(Predicate):
    """A case claimed as one of `benefits` with a code that begins like one of `diagnoses` or
    `procedures`: its codes tell of something else."""

    evidence: ClassVar[frozenset[str]] = frozenset({"benefit", "codes"})

    predicate: Literal["coded-otherwise"]
    benefits: Benefits
    diagnoses: SomePrefixes
    procedures: SomePrefixes

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit not in self.benefits:
            return []
        if case.diagnoses is None and case.procedures is None:
            return None
        codes = begins_with(case.diagnoses or (), self.diagnoses)
        codes += begins_with(case.procedures or (), self.procedures)
        if not codes:
            return []
        return [Hit(case.fund_part(), {"benefit": case.benefit, "codes": ", ".join(codes)})]


class MissingProcedure(Predicate):
    """A delivery claimed by a `mode` whose operation is not among the procedures coded."""

    evidence: ClassVar[frozenset[str]] = frozenset({"mode", "codes"})

    predicate: Literal["missing-procedure"]
    mode: Literal["assisted", "cesarean"]
    procedures: SomePrefixes

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit; what the fund would have paid for another mode only re-pricing tells."""
        if case.mode != self.mode:
            return []
        if case.procedures is None:
            return None
        if begins_with(case.procedures, self.procedures):
            return []
        told = {"mode": case.mode, "codes": ", ".join(case.procedures) or "-"}
        return [Hit(case.fund_part(), told)]


class ModeStatedOtherwise(Predicate):
    """A delivery whose record calls it by another mode than its codes or lines tell of."""

    evidence: ClassVar[frozenset[str]] = frozenset({"mode", "stated", "codes"})
    needs = frozenset({"mode_stated"})

    predicate: Literal["mode-stated-otherwise"]

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, with nothing at risk: it says something of the data, and proves nothing."""
        if case.mode is None or case.mode_stated in (None, case.mode):
            return []
        codes = (*(case.procedures or ()), *(case.diagnoses or ()))
        told = {
            "mode": case.mode,
            "stated": str(case.mode_stated),
            "codes": ", ".join(codes) or "-",
        }
        return [Hit(NOTHING, told)]


class LiftedGroup(Predicate):
    """A case that an episiotomy alone moves into another adjacent group of a version of the
    obstetric grouping."""

    evidence: ClassVar[frozenset[str]] = frozenset({"mode", "codes", "from_group", "to_group"})

    predicate: Literal["lifted-group"]
    benefits: Benefits
    grouping: Annotated[str, AfterValidator(known_grouping)]

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, with nothing at risk before the case is priced in the other group."""
        if case.benefit not in self.benefits:
            return []
        if case.diagnoses is None or case.procedures is None:
            return None
        if not case.diagnoses:
            return []
        version, (principal, *secondary) = read_groupings()[self.grouping], case.diagnoses
        moved = episiotomy_moves(version, principal, secondary, case.procedures)
        if moved is None:
            return []
        codes = ", ".join(code for code in case.procedures if code in version.episiotomy)
        told = {"mode": case.mode or "-", "codes": codes}
        return [Hit(NOTHING, told | {"from_group": moved[0], "to_group": moved[1]})]


class SoleLiftingProcedure(Predicate):
    """A case that only a minor procedure lifts into a dearer group.

    It has a code that begins like one of `minor`, and none that begins like one of `lifting`,
    those that belong to the group in their own right.
    """

    evidence: ClassVar[frozenset[str]] = frozenset({"mode", "codes", "from_group", "to_group"})

    predicate: Literal["sole-lifting-procedure"]
    benefits: Benefits
    minor: SomePrefixes
    lifting: SomePrefixes
    from_group: str = Field(pattern=r"^[A-Z]{2}[0-9]$")
    to_group: str = Field(pattern=r"^[A-Z]{2}[0-9]$")

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, with nothing at risk before the case is priced in the other group."""
        if case.benefit not in self.benefits:
            return []
        if case.procedures is None:
            return None
        minor = begins_with(case.procedures, self.minor)
        if not minor or begins_with(case.procedures, self.lifting):
            return []
        return [Hit(NOTHING, {"mode": case.mode or "-", "codes": ", ".join(minor)})]
