"""Settling over REST: one way for the framework's route and for the bare one."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.settlement.actions.settle import Outcome, Settle, settle_stay
from services.settlement.api.office import HOSPITAL, Office, office, with_state
from services.settlement.api.refusals import problem_of
from services.settlement.api.render import settled_form
from services.settlement.api.shown import SettlementShown
from services.settlement.api.wire import SettleBody
from shared.money import Money
from shared.plumbing.auth import Caller, Tokens
from shared.plumbing.bare import answer_json, header
from shared.plumbing.edge import Key, bearer, key_matches, key_of, only, reply
from shared.plumbing.problem_answers import as_problem, problem_response
from shared.plumbing.problems import FORBIDDEN, KEY_MISSING, MALFORMED, Problem, faults_of
from shared.plumbing.repeats import Answer, Ask, DifferentBody, body_hash
from shared.plumbing.strict_bodies import StrictBodies, read_strict_body
from shared.plumbing.written import Id

router = APIRouter(prefix="/settlement/v1", tags=["settlements"])

_ADDRESS = re.compile(
    r"/settlement/v1/stays/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/settle",
    re.ASCII,
)


@router.post("/stays/{stay_id}/settle", status_code=201, response_model=SettlementShown)
async def settle(
    request: Request,
    stay_id: Id,
    body: SettleBody,
    who: Annotated[Caller, Depends(only(HOSPITAL))],
    _: Key = None,
) -> Response:
    """Settle a discharged stay: who pays which part, for good. Replays give the same bytes."""
    answer = await settled(
        office(request), who, stay_id, key_of(request), body, request.state.trace_id
    )
    return reply(answer)


async def settled(
    here: Office, who: Caller, stay_id: UUID, key: str, body: SettleBody, trace_id: str
) -> Answer:
    """Settle, and where a person's state is missing or too old, ask for it and settle again."""
    said = body_hash([str(stay_id), body.total], here.hash_key)
    command = Settle(
        ask=Ask(who.pool_code, who.institution_code, "settle", key, said),
        stay_id=stay_id,
        bill=Money.from_wire(body.total),
        actor=who.client_id,
        request_id=trace_id,
        form=settled_form,
    )

    async def once() -> Outcome:
        return await settle_stay(here.settlements, command)

    outcome: Outcome = await with_state(here, await once(), once)
    if isinstance(outcome, Answer):
        return outcome
    raise outcome if isinstance(outcome, DifferentBody) else problem_of(outcome)


class HotSettle:
    """The same call on a bare route: the framework would cost more than the settlement."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer settle; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        place = _ADDRESS.fullmatch(scope["path"])
        if place is None:
            await self._app(scope, receive, send)
            return
        trace_id = StrictBodies.trace(scope)
        try:
            answer = await self._settle(scope, receive, UUID(place[1]), trace_id)
        except Exception as error:
            await problem_response(as_problem(error), trace_id)(scope, receive, send)
            return
        await answer_json(send, answer.status, answer.body)

    async def _settle(self, scope: Scope, receive: Receive, stay_id: UUID, trace_id: str) -> Answer:
        who = self._tokens.read(bearer(header(scope, b"authorization")))
        if who.role != HOSPITAL:
            raise Problem(FORBIDDEN)
        parsed = await read_strict_body(scope, receive)
        try:
            body = SettleBody.model_validate(parsed)
        except ValidationError as error:
            raise Problem(MALFORMED, faults_of(error.errors())) from error
        key = header(scope, b"idempotency-key")
        if not key_matches(key):
            raise Problem(KEY_MISSING)
        return await settled(scope["app"].state.office, who, stay_id, key, body, trace_id)
