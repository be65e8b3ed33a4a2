"""Flags: the reviewers' list, one flag with all that it stands on, and what institutions see."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.audit.api.explanation import finding_shape
from services.audit.api.shapes import claim_shape, flag_shape, next_steps, step_shape
from services.audit.api.shown import FlagsShown, FlagWhole
from services.audit.domain.flag import Flag, FlagState
from services.audit.domain.rule import RuleBook
from services.audit.store import claims, findings, flags
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.edge import Whole, desk, only
from shared.plumbing.problems import NOT_FOUND, Problem


def flags_router(book: RuleBook) -> APIRouter:
    """The routes; `book` gives the words of each rule's findings."""
    router = APIRouter(prefix="/audit/v1/flags", tags=["flags"])

    @router.get("", response_model=FlagsShown)
    async def list_flags(
        request: Request,
        who: Annotated[Caller, Depends(only("reviewer", "hospital"))],
        state: FlagState | None = None,
        after: UUID | None = None,
        limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """Flags of the caller's pool in the order raised; `next` is the `after` of the next page.

        A hospital is shown the decided flags on its own claims, and no others.
        """
        walls = [AGENCY]
        if who.role == "hospital":
            walls = [who.institution_code]
            if state not in (None, FlagState.DECIDED):
                return {"flags": [], "next": None}
            state = FlagState.DECIDED
        async with transaction(desk(request).pool, walls) as tx:
            found = await flags.page(tx, who.pool_code, state, after, limit)
        further = str(found[-1].flag_id) if len(found) == limit else None
        return {"flags": [flag_shape(flag) for flag in found], "next": further}

    @router.get("/{flag_id}", response_model=FlagWhole)
    async def get_flag(
        request: Request, flag_id: UUID, who: Annotated[Caller, Depends(only("reviewer"))]
    ) -> dict[str, Any]:
        """One flag: its claim, its findings with both claims and words, and its history."""
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            flag = await flags.find(tx, who.pool_code, flag_id)
            if flag is None:
                raise Problem(NOT_FOUND)
            return await _whole(tx, flag, book)

    return router


async def _whole(tx: Connection, flag: Flag, book: RuleBook) -> dict[str, Any]:
    claim = await claims.find(tx, flag.pool_code, flag.claim_id)
    assert claim is not None  # noqa: S101 - a foreign key holds it
    shapes = []
    for finding in await findings.of_flag(tx, flag.pool_code, flag.flag_id):
        rival = None
        if finding.rival_id is not None:
            rival = await claims.find(tx, flag.pool_code, finding.rival_id)
        rule = book.find(finding.rule, finding.rule_version)
        shapes.append(finding_shape(finding, rule, claim, rival))
    steps = await flags.steps_of(tx, flag.pool_code, flag.flag_id)
    return flag_shape(flag) | {
        "next_steps": next_steps(flag),
        "claim": claim_shape(claim),
        "findings": shapes,
        "history": [step_shape(step) for step in steps],
    }
