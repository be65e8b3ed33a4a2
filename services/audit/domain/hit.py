"""What a predicate says of a case: it holds, it does not, or the case does not tell."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.case import Benefit, Case
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Hit:
    """That a predicate holds of a case, with the money at risk, the other case where it takes two,
    and what proves it, each value as it is shown."""

    at_risk: Money
    evidence: Mapping[str, str]
    rival_id: str | None = None


Answer = Sequence[Hit] | None
"""The hits on a case; None where the case lacks a fact that the predicate needs."""

Benefits = Annotated[list[Annotated[Benefit, Field(strict=False)]], Field(min_length=1)]
"""Which benefits a predicate asks of."""

Prefixes = list[Annotated[str, Field(pattern=r"^[A-Z0-9][A-Za-z0-9.]{0,15}$")]]
"""Beginnings of diagnosis (ICD-10) or procedure codes (ICD-9-CM-3)."""

RIVAL_EVIDENCE = frozenset(
    {
        *("event_on", "settled_on", "fund", "days"),
        *("rival", "rival_institution", "rival_event_on", "rival_settled_on", "rival_fund"),
    }
)


class Predicate(BaseModel):
    """A typed question to one case beside the person's others; its fields are its parameters."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    evidence: ClassVar[frozenset[str]]
    """The names that an explanation must give."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """Facts of a case or of its items without which it never hits, as far as claims or checks lack
    them (`asked_of`)."""

    takes_two: ClassVar[bool] = False
    """Whether each hit is of two cases."""

    @abstractmethod
    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """What holds of `case`; `others` are cases of the same person."""


class PairPredicate(Predicate):
    """A question to two cases of one person."""

    evidence = RIVAL_EVIDENCE
    takes_two = True

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """A hit for each other case that makes a pair with this one."""
        return [
            Hit(case.fund_part(), rival_evidence(case, other), other.case_id)
            for other in others
            if case.same_person(other) and self.makes_pair(case, other)
        ]

    @abstractmethod
    def makes_pair(self, case: Case, other: Case) -> bool:
        """Whether it is `case` that is to be questioned, because of `other`."""


def rival_evidence(case: Case, other: Case) -> dict[str, str]:
    """Both cases' days and money."""
    return {
        "event_on": case.event.isoformat(),
        "settled_on": _day(case.settled_on),
        "fund": case.fund_part().to_wire(),
        "days": str(abs((case.event - other.event).days)),
        "rival": other.case_id,
        "rival_institution": other.institution,
        "rival_event_on": other.event.isoformat(),
        "rival_settled_on": _day(other.settled_on),
        "rival_fund": other.fund_part().to_wire(),
    }


def _day(day: date | None) -> str:
    return "-" if day is None else day.isoformat()


def begins_with(codes: Sequence[str], prefixes: Sequence[str]) -> list[str]:
    """The codes that begin with one of these."""
    return [code for code in codes if code.startswith(tuple(prefixes))]
