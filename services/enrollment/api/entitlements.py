"""How a person stands on a day: one answer for the framework's route and for the bare one."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, NamedTuple, get_args

import orjson
from fastapi import APIRouter, FastAPI, Path, Query, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.enrollment.actions.find_entitlement import find_entitlement
from services.enrollment.api.office import ASKERS, Asker, acting_in
from services.enrollment.api.refusals import problem_of
from services.enrollment.api.wire import Day
from services.enrollment.domain.entitlement import Entitlement
from services.enrollment.domain.refusals import Refusal
from shared.plumbing.auth import Caller
from shared.plumbing.bare import answer_json, header
from shared.plumbing.edge import Desk, Wire, bearer
from shared.plumbing.problem_answers import as_problem, problem_response
from shared.plumbing.problems import FORBIDDEN, Problem
from shared.plumbing.strict_bodies import StrictBodies, check_head
from shared.plumbing.written import EARLIEST, LATEST, written_day

router = APIRouter(prefix="/enrollment/v1", tags=["persons"])

Benefit = Literal["delivery", "prenatal", "family_planning", "loss", "allowance", "nutrition"]

_ADDRESS = re.compile(r"/enrollment/v1/persons/([A-Za-z0-9-]{1,64})/entitlement", re.ASCII)
_QUESTION = re.compile(
    rf"on=([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:&benefit=({'|'.join(get_args(Benefit))}))?", re.ASCII
)


class EntitlementShown(Wire):
    """A person's standing on a day. `months_paid` are the continuous paid months that end with
    `paid_until`, as far as the day's month; `document` and `article` are those on interruption."""

    person_ref: str
    on: str
    standing: Literal["insured", "interrupted", "not_insured"]
    kind: str | None
    insurance: list[str]
    months_paid: int
    paid_until: str | None
    document: str | None
    article: str | None


class Question(NamedTuple):
    """What is asked of a person."""

    person_ref: str
    on: date
    benefit: str | None


@router.get("/persons/{person_ref}/entitlement", response_model=EntitlementShown)
async def get_entitlement(
    request: Request,
    who: Asker,
    person_ref: Annotated[str, Path(description="person_ref")],
    on: Annotated[Day, Query(description="a day, YYYY-MM-DD")],
    benefit: Annotated[Benefit | None, Query()] = None,
) -> Response:
    """How a person stands on a day, for one benefit or for all."""
    question = Question(person_ref, on, benefit)
    body = await _answered(request.app, who, question, request.state.trace_id)
    return Response(body, media_type="application/json")


class HotEntitlement:
    """The same call on a bare route: the framework would cost more than the look-up. What is not
    written in the plainest way is left to the framework, which refuses it or takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the question; pass everything else on."""
        question = _asked(scope)
        if question is None:
            await self._app(scope, receive, send)
            return
        trace_id = StrictBodies.trace(scope)
        try:
            check_head(scope)
            here: Desk = scope["app"].state.desk
            who = here.tokens.read(bearer(header(scope, b"authorization")))
            if who.role not in ASKERS:
                raise Problem(FORBIDDEN)
            body = await _answered(scope["app"], who, question, trace_id)
        except Exception as error:
            await problem_response(as_problem(error), trace_id)(scope, receive, send)
            return
        await answer_json(send, 200, body)


def _asked(scope: Scope) -> Question | None:
    """What a plainly written call asks."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    place = _ADDRESS.fullmatch(scope["path"])
    words = _QUESTION.fullmatch(scope["query_string"].decode("latin-1")) if place else None
    if place is None or words is None:
        return None
    try:
        return Question(place[1], written_day(words[1], EARLIEST, LATEST), words[2])
    except ValueError:
        return None


async def _answered(app: FastAPI, who: Caller, question: Question, trace_id: str) -> bytes:
    acting = acting_in(app, who, trace_id)
    found = await find_entitlement(
        app.state.office.histories, acting, question.person_ref, question.on, question.benefit
    )
    if isinstance(found, Refusal):
        raise problem_of(found)
    return orjson.dumps(_shown(question, found))


def _shown(question: Question, found: Entitlement) -> dict[str, object]:
    """The answer in the form of EntitlementShown."""
    return {
        "person_ref": question.person_ref,
        "on": question.on.isoformat(),
        "standing": found.standing.value,
        "kind": found.spell.kind.value if found.spell else None,
        "insurance": [i.value for i in found.spell.insurance] if found.spell else [],
        "months_paid": found.paid.length() if found.paid else 0,
        "paid_until": str(found.paid.last) if found.paid else None,
        "document": found.by.document if found.by else None,
        "article": found.by.article if found.by else None,
    }
