"""Complete cases over REST, many in one call: each settles whole, or nothing of it is stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Self

import asyncpg
import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from services.settlement.actions.settle_cases import (
    CaseRefused,
    CompleteCase,
    Told,
    apart,
    settle_cases,
)
from services.settlement.api.office import HOSPITAL, Office, office, scene_of, with_state
from services.settlement.api.outcomes import OutcomeBody
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import settled_form
from services.settlement.api.shown import BatchShown
from services.settlement.api.wire import LineBody, OpenStayBody
from services.settlement.domain.refusals import Refused
from services.settlement.store.settling import Entry
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Wire, desk, done_once, only, unbroken
from shared.plumbing.group import Busy
from shared.plumbing.metrics import count_refusal
from shared.plumbing.problem_answers import as_problem
from shared.plumbing.problems import Problem, problem_body
from shared.plumbing.repeats import Answer, Ask, Overtaken, body_hash
from shared.policy.shapes import Benefit

router = APIRouter(prefix="/settlement/v1", tags=["settlements"])

_CASES_MOST = 1000


class CaseBody(OpenStayBody):
    """A stay or visit as it would be opened, its lines, and the record that its discharge states.
    `key` is this case's Idempotency-Key, one of those that the hospital settles by."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=2000, fail_fast=True)]
    key: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
    outcome: OutcomeBody

    @model_validator(mode="after")
    def _of_one_benefit(self) -> Self:
        if self.outcome.benefit != self.benefit:
            raise amiss("outcome-of-another-benefit")
        return self

    def to_case(self) -> CompleteCase:
        """The case as the domain knows it."""
        return CompleteCase(
            self.stay_number, self.person_ref, self.pregnancy_id, self.admitted_on,
            Benefit(self.benefit), [line.to_line() for line in self.lines],
            self.outcome.to_outcome(),
        )  # fmt: skip


class BatchBody(Wire):
    """Complete cases; each is a settlement of its own."""

    cases: Annotated[list[CaseBody], Field(min_length=1, max_length=_CASES_MOST)]


class _Unsettled(Problem):
    """A case was refused: its transaction is rolled back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(problem_of(refused).kind)
        self.refused = refused


@router.post("/settlements:batch", response_model=BatchShown)
async def batch(
    request: Request, body: BatchBody, who: Annotated[Caller, Depends(only(HOSPITAL))]
) -> Response:
    """Settle complete cases in the order told; the answer has a status for each. What is refused
    stores nothing and stops no other. Sent again, what settled before is answered by the same
    bytes. A body that is not well formed is refused whole."""
    here = office(request)
    if here.batches.locked():
        raise Busy
    async with here.batches:
        told = [(_ask(here, who, case), case.to_case()) for case in body.cases]
        results = [one for group in apart(told) for one in await _results(request, who, group)]
    return Response(orjson.dumps({"results": results}), media_type="application/json")


def _ask(here: Office, who: Caller, case: CaseBody) -> Ask:
    said = body_hash(case.model_dump(mode="json"), here.hash_key)
    return Ask(who.pool_code, who.institution_code, "settle", case.key, said)


async def _results(request: Request, who: Caller, group: Sequence[Told]) -> list[dict[str, Any]]:
    """All of a group in one transaction; where that fails, each in one of its own."""
    if len(group) > 1:
        with suppress(CaseRefused, Overtaken, asyncpg.PostgresError):
            entries = await unbroken(_settled_together(request, who, group))
            return [_shown(ask, one.answer) for (ask, _), one in zip(group, entries, strict=True)]
    return [await _result(request, who, one) for one in group]


async def _settled_together(request: Request, who: Caller, group: Sequence[Told]) -> list[Entry]:
    here, began = office(request), time.perf_counter()
    async with transaction(here.pool, [who.institution_code]) as tx:
        scenes = [scene_of(request, who)] * len(group)
        entries = await settle_cases(tx, scenes, group, here.book(), settled_form)
    for entry in entries:
        here.measure(entry, time.perf_counter() - began)
    return entries


async def _result(request: Request, who: Caller, one: Told) -> dict[str, Any]:
    ask, _ = one
    try:
        return _shown(ask, await _settled(request, who, one))
    except Exception as error:
        problem = as_problem(error)
        count_refusal(problem.kind)
        told = orjson.Fragment(problem_body(problem, request.state.trace_id))
        return {
            "key": ask.key, "status": problem.kind.status, "settlement": None, "problem": told
        }  # fmt: skip


def _shown(ask: Ask, answer: Answer) -> dict[str, Any]:
    made = orjson.Fragment(answer.body)
    return {"key": ask.key, "status": answer.status, "settlement": made, "problem": None}


async def _settled(request: Request, who: Caller, one: Told) -> Answer:
    here, (ask, _), began = office(request), one, time.perf_counter()
    made: list[Entry] = []

    async def effect(tx: Connection) -> tuple[None, Answer]:
        scene = scene_of(request, who)
        try:
            made[:] = await settle_cases(tx, [scene], [one], here.book(), settled_form)
        except CaseRefused as error:
            raise _Unsettled(error.refused) from None
        return None, made[0].answer

    async def once() -> Answer | Refused:
        try:
            return await done_once(desk(request), ask, [who.institution_code], effect)
        except _Unsettled as error:
            return error.refused

    outcome = await with_state(here, await once(), once)
    if isinstance(outcome, Refused):
        raise problem_of(outcome)
    for entry in made:
        if entry.answer is outcome:  # and not the answer that its key had already
            here.measure(entry, time.perf_counter() - began)
    return outcome
