"""What an institution is told of a flag on it, and what it says to that."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from services.audit.actions.make_statement import make_statement
from services.audit.actions.review_step import Word
from services.audit.api.explanation import ground_shape, watch_ground_shape
from services.audit.api.reviews import LineNumber, Version, step_of, time_limits_of
from services.audit.api.shapes import claim_shape, flag_shape, statement_shape
from services.audit.api.shown import FlagShown, NoticeShown
from services.audit.domain.claim import Claim
from services.audit.domain.flag import Flag
from services.audit.domain.rule import RuleBook
from services.audit.domain.statement import LineWord, Stance
from services.audit.store import claims, findings, flags, picks, series, statements
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Key, Line, Wire, desk, only
from shared.plumbing.problems import NOT_FOUND, Problem

Hospital = Annotated[Caller, Depends(only("hospital"))]


class LineSaid(Wire):
    """What is said to one fee line."""

    line_number: LineNumber
    text: Annotated[Line, Field(max_length=500)]


class StatementBody(Wire):
    """The institution's case, as a whole and line by line."""

    version: Version
    stance: Literal["accepts", "contests"]
    text: Annotated[Line, Field(max_length=4000)]
    lines: Annotated[list[LineSaid], Field(default_factory=list, max_length=1000)]


def statements_router(book: RuleBook) -> APIRouter:
    """The routes; `book` gives the titles of rules."""
    router = APIRouter(prefix="/audit/v1/flags", tags=["statements"])

    @router.get("/{flag_id}/notice", response_model=NoticeShown)
    async def get_notice(request: Request, flag_id: UUID, who: Hospital) -> dict[str, Any]:
        """What is held against a claim or the months of the caller, by which rule and law, and
        until when it is asked to state its case. Other institutions are not named."""
        async with transaction(desk(request).pool, [who.institution_code]) as tx:
            flag = await flags.find(tx, who.pool_code, flag_id)
            if flag is None or not flag.shown_to_institution:
                raise Problem(NOT_FOUND)
            claim = await claims.find(tx, who.pool_code, flag.claim_id) if flag.claim_id else None
            grounds = await _grounds(tx, flag, claim, book) if claim else []
            alarms = await series.of_flag(tx, who.pool_code, flag_id)
            pick = await picks.of_flag(tx, who.pool_code, flag_id)
            said = await statements.of_flag(tx, who.pool_code, flag_id)
        return flag_shape(flag, who) | {
            "claim": claim_shape(claim) if claim else None,
            "picked_by": pick.picked_by if pick else None,
            "grounds": [*grounds, *([watch_ground_shape(alarms, flag.at_risk)] if alarms else [])],
            "months": [
                {
                    "month": one.finding.month,
                    "explanation": one.finding.reason.en,
                    "explanation_zh": one.finding.reason.zh,
                }
                for one in alarms
            ],
            "statements": [statement_shape(one) for one in said],
        }

    @router.post("/{flag_id}/statement", response_model=FlagShown)
    async def post_statement(
        request: Request, flag_id: UUID, body: StatementBody, who: Hospital, _: Key = None
    ) -> Response:
        """State the institution's case (陈述申辩); until the second review, also late."""
        stance = Stance(body.stance)
        word = Word(
            who.pool_code, flag_id, body.version, who.client_id, "", stance.value,
            request.state.trace_id,
        )  # fmt: skip
        lines = [LineWord(one.line_number, one.text) for one in body.lines]
        return await step_of(
            request, who, flag_id, "statement", [who.institution_code],
            lambda tx: make_statement(
                tx, desk(request).clock, time_limits_of(request), word, stance, body.text, lines
            ),
        )  # fmt: skip

    return router


async def _grounds(
    tx: Connection, flag: Flag, claim: Claim, book: RuleBook
) -> list[dict[str, Any]]:
    """The findings, behind the institution's wall: another's claim is not found there."""
    shapes = []
    for one in await findings.of_flag(tx, flag.pool_code, flag.flag_id):
        own = one.rival_id is None or await claims.find(tx, flag.pool_code, one.rival_id)
        rule = book.find(one.rule, one.rule_version)
        shapes.append(ground_shape(one, rule, claim, own=bool(own)))
    return shapes
