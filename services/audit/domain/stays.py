"""Stays that need a look for what they are, beside what the person had before."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from services.audit.domain.case import Benefit, Case
from services.audit.domain.hit import Answer, Benefits, Hit, Predicate
from services.audit.domain.item_group import Group
from shared.money import Money


class LowStandardAdmission(Predicate):
    """A short, light stay that was spent on examinations: an outpatient would have had the same.

    `examined_percent_min` is the least share of the total, in whole per cent, that the groups of
    items in `groups` make up.
    """

    evidence: ClassVar[frozenset[str]] = frozenset(
        {"los", "severity", "examined", "total", "los_max", "severity_max", "examined_percent_min"}
    )

    predicate: Literal["low-standard-admission"]
    benefits: Benefits
    los_max: int = Field(ge=0, le=30)
    severity_max: int = Field(ge=1, le=4)
    groups: list[Group] = Field(min_length=1)
    examined_percent_min: int = Field(ge=1, le=100)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit not in self.benefits:
            return []
        amounts = [case.billed[g].amount for g in self.groups if g in case.billed]
        known = [amount for amount in amounts if amount is not None]
        if case.severity is None or len(known) < len(self.groups):
            return None
        examined = Money.total(known)
        if (
            case.los > self.los_max
            or case.severity > self.severity_max
            or not case.total
            or examined.times(100) < case.total.times(self.examined_percent_min)
        ):
            return []
        told = {
            "los": str(case.los),
            "severity": str(case.severity),
            "examined": examined.to_wire(),
            "total": case.total.to_wire(),
        }
        return [Hit(case.fund_part(), told)]


class NoPrenatalRecord(Predicate):
    """A delivery of a mother without any visit in the `lookback_days` before, discharged in the
    last `month_end_days` of a month in which its hospital has `cluster_min` such deliveries."""

    evidence: ClassVar[frozenset[str]] = frozenset(
        {"event_on", "discharged_on", "clustered", "lookback_days", "month_end_days", "cluster_min"}
    )
    needs = frozenset({"month_end_unrecorded"})

    predicate: Literal["no-prenatal-record"]
    lookback_days: int = Field(ge=1, le=366)
    month_end_days: int = Field(ge=1, le=31)
    cluster_min: int = Field(ge=1)

    def hits(self, case: Case, others: Sequence[Case]) -> Answer:
        """One hit, for the whole fund part."""
        if case.benefit is not Benefit.DELIVERY or not self.at_month_end(case.discharged):
            return []
        if self.has_record(case, others):
            return []
        if case.month_end_unrecorded is None:
            return None
        if case.month_end_unrecorded < self.cluster_min:
            return []
        told = {
            "event_on": case.event.isoformat(),
            "discharged_on": case.discharged.isoformat(),
            "clustered": str(case.month_end_unrecorded),
        }
        return [Hit(case.fund_part(), told)]

    def at_month_end(self, discharged: date) -> bool:
        """Whether a case that ends on a day ends in the last days of its month."""
        return monthrange(discharged.year, discharged.month)[1] - discharged.day < (
            self.month_end_days
        )

    def has_record(self, case: Case, others: Sequence[Case]) -> bool:
        """Whether the person has a prenatal visit in the days before."""
        return any(
            case.same_person(other)
            and other.benefit is Benefit.PRENATAL
            and 0 <= (case.event - other.event).days <= self.lookback_days
            for other in others
        )
