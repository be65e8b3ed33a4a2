"""Flags: the reviewers' list, one flag with all that it stands on, and what institutions see."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.audit.api.explanation import finding_shape, watch_shape
from services.audit.api.families import check_family
from services.audit.api.reviews import Family, Reviewer
from services.audit.api.shapes import (
    claim_shape,
    flag_shape,
    money_shape,
    next_steps,
    pick_shape,
    score_shape,
    series_shape,
    statement_shape,
    step_shape,
)
from services.audit.api.shown import CountsShown, FlagsShown, FlagWhole
from services.audit.domain.claim import Claim
from services.audit.domain.flag import Flag, FlagState
from services.audit.domain.rule import RuleBook
from services.audit.store import (
    claim_scores,
    claims,
    findings,
    flags,
    money_at_risk,
    picks,
    queue,
    series,
    statements,
)
from services.audit.store.queue import Asked
from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.edge import Whole, desk, only
from shared.plumbing.problems import NOT_FOUND, Problem


def flags_router(book: RuleBook) -> APIRouter:
    """The routes; `book` gives the words of each rule's findings."""
    router = APIRouter(prefix="/audit/v1/flags", tags=["flags"])

    @router.get("", response_model=FlagsShown)
    async def list_flags(
        request: Request,
        who: Annotated[Caller, Depends(only("reviewer", "supervisor", "hospital"))],
        state: FlagState | None = None,
        order: Literal["raised", "money"] = "raised",
        overdue: bool = False,
        family: Family | None = None,
        after: UUID | None = None,
        limit: Annotated[Whole, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """Flags of the caller's pool; `next` is the `after` of the next page.

        With `order=money` only those under review, the greatest expected recovery first; with
        `overdue` also only those whose step is over time, with `family` only those of one.
        A hospital is shown the flags on itself that it was told of, in the order raised.
        """
        clock, hospital = desk(request).clock, who.role == "hospital"
        # Which rules there are is not told to hospitals, so to them no name is a wrong one.
        if not hospital:
            check_family(family, book)
        asked = Asked(
            who.pool_code, state, after, limit, by_institution=hospital, family=family,
            overdue_on=business_day(clock.now()) if overdue else None,
        )  # fmt: skip
        by_money = (order == "money" or overdue) and not hospital
        walls = [who.institution_code if hospital else AGENCY]
        async with transaction(desk(request).pool, walls) as tx:
            found = await (queue.by_money if by_money else queue.as_raised)(tx, asked)
        further = str(found[-1].flag_id) if len(found) == limit else None
        return {"flags": [flag_shape(flag, who) for flag in found], "next": further}

    @router.get("/{flag_id}", response_model=FlagWhole)
    async def get_flag(request: Request, flag_id: UUID, who: Reviewer) -> dict[str, Any]:
        """One flag: what it stands on in words, what its institution said, and its history."""
        async with transaction(desk(request).pool, [AGENCY]) as tx:
            flag = await flags.find(tx, who.pool_code, flag_id)
            if flag is None:
                raise Problem(NOT_FOUND)
            return flag_shape(flag, who) | await _whole(tx, flag, book)

    return router


counts_router = APIRouter(prefix="/audit/v1", tags=["flags"])


@counts_router.get("/flag-counts", response_model=CountsShown)
async def count_flags(request: Request, who: Reviewer) -> dict[str, Any]:
    """How many flags of the caller's pool stand in each state."""
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        return {"counts": await queue.counts(tx, who.pool_code)}


async def _whole(tx: Connection, flag: Flag, book: RuleBook) -> dict[str, Any]:
    claim = await claims.find(tx, flag.pool_code, flag.claim_id) if flag.claim_id else None
    place = (flag.pool_code, flag.flag_id)
    return {
        "next_steps": next_steps(flag),
        "money_at_risk": money_shape(await money_at_risk.of_flag(tx, *place)),
        "score": score_shape(
            await claim_scores.of_claim(tx, flag.pool_code, claim.claim_id) if claim else None
        ),
        "pick": pick_shape(await picks.of_flag(tx, *place)),
        "claim": claim_shape(claim) if claim else None,
        "findings": await _explained(tx, flag, claim, book) if claim else [],
        "months": [
            series_shape(one) | watch_shape(one) for one in await series.of_flag(tx, *place)
        ],
        "statements": [statement_shape(one) for one in await statements.of_flag(tx, *place)],
        "history": [step_shape(step) for step in await flags.steps_of(tx, *place)],
    }


async def _explained(
    tx: Connection, flag: Flag, claim: Claim, book: RuleBook
) -> list[dict[str, Any]]:
    shapes = []
    for finding in await findings.of_flag(tx, flag.pool_code, flag.flag_id):
        rival = None
        if finding.rival_id is not None:
            rival = await claims.find(tx, flag.pool_code, finding.rival_id)
        rule = book.find(finding.rule, finding.rule_version)
        shapes.append(finding_shape(finding, rule, claim, rival))
    return shapes
