"""What scores claims now, and what moved away from what its scores were made for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.audit.api.scores_shown import ScoringShown
from services.audit.store import scoring_runs
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import desk, only

router = APIRouter(prefix="/audit/v1", tags=["claims"])


@router.get("/scoring", response_model=ScoringShown)
async def get_scoring(
    request: Request,
    who: Annotated[Caller, Depends(only("reviewer", "supervisor", "operator"))],
) -> dict[str, Any]:
    """The last run over the pool's claims: who scored, what it learned from, and its warnings of
    drift."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        found = await scoring_runs.of_pool(tx, who.pool_code)
    if found is None:
        return {"run": None}
    run, at = found
    warnings = [
        {name: value if isinstance(value, str) else f"{value:f}" for name, value in told.items()}
        for told in map(asdict, run.warnings)
    ]
    shown = asdict(run) | {"warnings": warnings, "scored_at": to_wire(at)}
    return {"run": {name: value for name, value in shown.items() if name != "pool_code"}}
