"""Complete cases over REST, many in one call: each settles whole, or nothing of it is stored."""

from __future__ import annotations

from typing import Annotated, Any, Self

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from services.settlement.actions.settle_case import CompleteCase, settle_case
from services.settlement.api.office import HOSPITAL, Office, office, scene_of, with_state
from services.settlement.api.outcomes import OutcomeBody
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import settled_bytes
from services.settlement.api.shown import BatchShown
from services.settlement.api.wire import LinesBody, OpenStayBody
from services.settlement.domain.refusals import Refused
from shared.plumbing.auth import Caller
from shared.plumbing.database import Connection
from shared.plumbing.edge import Wire, desk, done_once, only
from shared.plumbing.group import Busy
from shared.plumbing.metrics import count_refusal
from shared.plumbing.problem_answers import as_problem
from shared.plumbing.problems import Problem, problem_body
from shared.plumbing.repeats import Answer, Ask, body_hash
from shared.policy.shapes import Benefit

router = APIRouter(prefix="/settlement/v1", tags=["settlements"])

_CASES_MOST = 1000


class CaseBody(OpenStayBody, LinesBody):
    """A stay or visit as it would be opened, its lines, and the record that its discharge states.
    `key` is this case's Idempotency-Key, one of those that the hospital settles by."""

    key: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]
    outcome: OutcomeBody

    @model_validator(mode="after")
    def _of_one_benefit(self) -> Self:
        if self.outcome.benefit != self.benefit:
            raise ValueError("the outcome is of the stay's benefit")
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
    """Settle complete cases in the order told, each in a transaction of its own: the answer has a
    status for each. Sent again, what settled before is answered by the same bytes. A body that is
    not well formed is refused whole."""
    here = office(request)
    if here.batches.locked():
        raise Busy
    async with here.batches:
        results = [await _result(request, here, who, case) for case in body.cases]
    return Response(orjson.dumps({"results": results}), media_type="application/json")


async def _result(request: Request, here: Office, who: Caller, case: CaseBody) -> dict[str, Any]:
    try:
        answer = await _settled(request, here, who, case)
    except Exception as error:
        problem = as_problem(error)
        count_refusal(problem.kind)
        told = orjson.Fragment(problem_body(problem, request.state.trace_id))
        return {
            "key": case.key, "status": problem.kind.status, "settlement": None, "problem": told
        }  # fmt: skip
    made = orjson.Fragment(answer.body)
    return {"key": case.key, "status": answer.status, "settlement": made, "problem": None}


async def _settled(request: Request, here: Office, who: Caller, case: CaseBody) -> Answer:
    said = body_hash(case.model_dump(mode="json"), here.hash_key)
    ask = Ask(who.pool_code, who.institution_code, "settle", case.key, said)
    complete = case.to_case()

    async def effect(tx: Connection) -> tuple[None, Answer]:
        scene = scene_of(request, who)
        outcome = await settle_case(tx, scene, ask, complete, here.book(), settled_bytes)
        if isinstance(outcome, Refused):
            raise _Unsettled(outcome)
        return None, outcome

    async def once() -> Answer | Refused:
        try:
            return await done_once(desk(request), ask, [who.institution_code], effect)
        except _Unsettled as error:
            return error.refused

    outcome = await with_state(here, await once(), once)
    if isinstance(outcome, Refused):
        raise problem_of(outcome)
    return outcome
