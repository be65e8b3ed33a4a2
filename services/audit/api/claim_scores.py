"""Claims by the money that their scores expect, whether a flag stands on them or not."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.audit.api.reviews import Reviewer
from services.audit.api.scores_shown import ClaimScoresShown
from services.audit.api.shapes import score_shape
from services.audit.store import claim_scores
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Whole, desk

router = APIRouter(prefix="/audit/v1/claim-scores", tags=["claims"])


@router.get("", response_model=ClaimScoresShown)
async def list_claim_scores(
    request: Request,
    who: Reviewer,
    after: UUID | None = None,
    limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """The claims of the caller's pool that are flagged, likely wrong or drawn by lot, by chance
    times money at risk, the greatest first. A score raises no flag; `flagged` tells whether one
    stands."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        found = await claim_scores.highest(tx, who.pool_code, limit, after)
    return {
        "claims": [
            {
                "claim_id": str(one.score.claim_id),
                "institution_code": one.score.institution_code,
                "flagged": one.flagged,
                "drawn": one.score.drawn,
                "score": score_shape(one),
            }
            for one in found
        ],
        "next": str(found[-1].score.claim_id) if len(found) == limit else None,
    }
