"""Duplicate claim: two deliveries of one person closer than nature allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.claim import Claim


class DuplicateClaim(BaseModel):
    """Another live claim of the same benefit and person, its event near this one's.

    `interval_days_max` is the greatest distance of the two events, in days, that still counts;
    0 means the same day. Which hospital settled does not matter.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    evidence: ClassVar[frozenset[str]] = frozenset({"interval_days_max"})

    predicate: Literal["duplicate-claim"]
    benefit: Literal["delivery"]
    interval_days_max: int = Field(ge=0, le=366)

    def pairs(self, claim: Claim, others: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
        """Each pair that this claim makes, as (settled later, settled earlier)."""
        for other in others:
            if self._is_double(claim, other):
                yield (claim, other) if other.settled_before(claim) else (other, claim)

    def _is_double(self, one: Claim, other: Claim) -> bool:
        return (
            one.claim_id != other.claim_id
            and (one.pool_code, one.person_ref) == (other.pool_code, other.person_ref)
            and one.benefit == other.benefit == self.benefit
            and one.is_live
            and other.is_live
            and days_between(one, other) <= self.interval_days_max
        )


def days_between(one: Claim, other: Claim) -> int:
    """How many days lie between the events of two claims."""
    return abs((one.event_on - other.event_on).days)
