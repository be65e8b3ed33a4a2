"""Two cases of one person that time does not allow beside each other."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from services.audit.domain.case import Benefit, Case
from services.audit.domain.hit import RIVAL_EVIDENCE, Benefits, PairPredicate


class DuplicateClaim(PairPredicate):
    """Another case of the same benefit and person, its event near this one's.

    `interval_days_max` is the greatest distance of the two events, in days, that still counts;
    0 means the same day. Which hospital claimed does not matter; the later claim is questioned.
    """

    evidence: ClassVar[frozenset[str]] = RIVAL_EVIDENCE | {"interval_days_max"}

    predicate: Literal["duplicate-claim"]
    benefit: Literal["delivery"]
    interval_days_max: int = Field(ge=0, le=366)

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.benefit == other.benefit == self.benefit
            and days_between(case, other) <= self.interval_days_max
            and case.filed_after(other)
        )


class RepeatedClaim(PairPredicate):
    """The same hospital claims the same benefit for the same person and days a second time, for the
    same amount."""

    predicate: Literal["repeated-claim"]
    benefits: Benefits

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.benefit in self.benefits
            and case.benefit == other.benefit
            and case.institution == other.institution
            and (case.admitted, case.discharged) == (other.admitted, other.discharged)
            and case.total == other.total
            and case.filed_after(other)
        )


class OverlappingClaim(PairPredicate):
    """Another case of the same benefit and person, claimed by another hospital, whose days
    from admission to discharge meet this one's."""

    predicate: Literal["overlapping-claim"]
    benefits: Benefits

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.institution != other.institution
            and case.benefit == other.benefit
            and case.benefit in self.benefits
            and case.admitted <= other.discharged
            and other.admitted <= case.discharged
            and case.filed_after(other)
        )


class OverlappingStays(PairPredicate):
    """Two stays of one person that share a night: a transfer ends one before the other begins.

    `elsewhere` says whether the two are of two hospitals or of one. One hospital's two stays of
    the very same days are not meant: they are one stay that was claimed twice.
    """

    predicate: Literal["overlapping-stays"]
    benefits: Benefits
    elsewhere: bool

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.benefit in self.benefits
            and other.benefit in self.benefits
            and (case.institution != other.institution) == self.elsewhere
            and (self.elsewhere or case.admitted != other.admitted or case.los != other.los)
            and case.admitted < other.discharged
            and other.admitted < case.discharged
            and case.filed_after(other)
        )


class DeliveryInterval(PairPredicate):
    """Two deliveries of one person further apart than one delivery claimed twice, and closer than
    nature allows; the later birth is questioned."""

    evidence: ClassVar[frozenset[str]] = RIVAL_EVIDENCE | {"interval_days_min", "interval_days_max"}

    predicate: Literal["delivery-interval"]
    interval_days_min: int = Field(ge=0, le=366)
    interval_days_max: int = Field(ge=0, le=366)

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.benefit == other.benefit == Benefit.DELIVERY
            and other.event < case.event
            and self.interval_days_min <= days_between(case, other) <= self.interval_days_max
        )


class SplitStay(PairPredicate):
    """A stay that begins at the hospital where a related one ended at most `gap_days_max` days
    before: one treatment claimed as two. A transfer to another hospital is no such stay.
    """

    evidence: ClassVar[frozenset[str]] = RIVAL_EVIDENCE | {"gap_days_max"}

    predicate: Literal["split-stay"]
    benefits: Benefits
    gap_days_max: int = Field(ge=0, le=30)

    def makes_pair(self, case: Case, other: Case) -> bool:
        return (
            case.institution == other.institution
            and case.benefit in self.benefits
            and other.benefit in self.benefits
            and other.los > 0
            and case.los > 0
            and 0 <= (case.admitted - other.discharged).days <= self.gap_days_max
        )


def days_between(one: Case, other: Case) -> int:
    """How many days lie between the events of two cases."""
    return abs((one.event - other.event).days)
