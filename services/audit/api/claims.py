"""Claims as audit sees them, and how each was judged."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.audit.api.shapes import (
    claim_shape,
    flag_shape,
    items_shape,
    judgement_shape,
    peers_shape,
    score_shape,
)
from services.audit.api.shown import ClaimWhole, PeersShown
from services.audit.store import claim_scores, claims, findings, flags, peers
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import desk, only
from shared.plumbing.problems import NOT_FOUND, Problem

Reader = Annotated[Caller, Depends(only("reviewer", "supervisor"))]

router = APIRouter(prefix="/audit/v1/claims", tags=["claims"])


@router.get("/{claim_id}", response_model=ClaimWhole)
async def get_claim(
    request: Request,
    claim_id: UUID,
    who: Reader,
) -> dict[str, Any]:
    """One claim of the caller's pool with its judgements and flags."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        claim = await claims.find(tx, who.pool_code, claim_id)
        if claim is None:
            raise Problem(NOT_FOUND)
        judged = await findings.judgements_of(tx, who.pool_code, claim_id)
        scored = await claim_scores.of_claim(tx, who.pool_code, claim_id)
        raised = await flags.of_claim(tx, who.pool_code, claim_id)
    return (
        claim_shape(claim)
        | items_shape(claim)
        | {
            "score": score_shape(scored),
            "judgements": [judgement_shape(judgement) for judgement in judged],
            "flags": [flag_shape(flag, who) for flag in raised],
        }
    )


@router.get("/{claim_id}/peers", response_model=PeersShown)
async def get_peers(request: Request, claim_id: UUID, who: Reader) -> dict[str, Any]:
    """A claim's bill beside those of its kind: same pool, level, benefit and mode, of the year
    that ends with its own day. Of fewer than eight no places are given."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        claim = await claims.find(tx, who.pool_code, claim_id)
        if claim is None:
            raise Problem(NOT_FOUND)
        return peers_shape(claim, await peers.of_claim(tx, claim))
