"""Overlapping claims: one benefit of one person on the same days, at two hospitals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.claim import Claim


class OverlappingClaim(BaseModel):
    """Another live claim of the same benefit and person, settled by another hospital, whose days
    from admission to discharge meet this one's."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    evidence: ClassVar[frozenset[str]] = frozenset()

    predicate: Literal["overlapping-claim"]
    benefits: list[Literal["prenatal", "loss", "family_planning", "complication"]] = Field(
        min_length=1
    )

    def pairs(self, claim: Claim, others: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
        """Each pair that this claim makes, as (settled later, settled earlier)."""
        for other in others:
            if self._overlaps(claim, other):
                yield (claim, other) if other.settled_before(claim) else (other, claim)

    def _overlaps(self, one: Claim, other: Claim) -> bool:
        return (
            one.claim_id != other.claim_id
            and (one.pool_code, one.person_ref) == (other.pool_code, other.person_ref)
            and one.institution_code != other.institution_code
            and one.benefit == other.benefit
            and one.benefit in self.benefits
            and one.is_live
            and other.is_live
            and one.admitted_on <= other.discharged_on
            and other.admitted_on <= one.discharged_on
        )
